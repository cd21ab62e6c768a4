"""Learning: scales, sequences, a network, and what its forecasts are worth.

scaling.py           scales of a column: fitted to values in pieces, applied, and taken back
normalizing.py       the columns of many symbols scaled, and taken back
sequences.py         sequences of neighbouring bars, and splits of them
sequencing.py        those of many symbols, in parts to train on and to test
options.py           the options of jobs that scale columns
features.py          bars -> rows of scaled features and targets, and forecasts -> prices
problem.py           what is forecast of a symbol's bars, and which of them train, calibrate and test
network.py           LSTM -> Dense, in jax, in Keras' layout
keras_models.py      a user's Keras model as a network; networks as .keras files
engine.py            jax, started: one thread, compiled programs kept; how long what took
training.py          Adam in compiled programs, and forecasts
averaging.py         shares, rounds, and the mean of several workers' states
together.py          one global model, round by round
tuning.py            the search for settings
baselines.py         the last value, drift, ridge regression
significance.py      Diebold-Mariano's test; how often a direction is right
intervals.py         split conformal intervals, scaled by EWMA volatility
evaluation.py        what forecasts are worth, in figures and in words
forecasting.py       a symbol's model, from its bars to its figures
models.py            models in .npz files
card.py              the model card
rowfiles.py          records of arrays between steps
training_options.py  the options of jobs that learn
"""
