"""windrow: MapReduce jobs over market bars, exact to the last bit.

The way of the data is one direction: windrow.feeds and windrow.bars (in), sort_keys (keys, blocks, merge),
windrow.windows (kernels), windrow.sinks (out). windrow.barjob ties them to mrjob; the jobs stand in `jobs`.
"""
