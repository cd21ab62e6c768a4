"""What a kernel is, and the options that kernels share."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

from windrow.arrays import Floats
from windrow.errors import UsageError
from windrow.states import Json, Resumable, State
from windrow.windows.window import Reach, Window


@dataclass(frozen=True)
class Options:
    """How windows are treated, for all kinds of kernels. Raises UsageError for a value out of range.

    min_periods: bars from which a window has an output; None: once it is full. Not for EMA and WMA. step_ns:
    --step as a duration in nanoseconds, which counts towards the span of a full time window; otherwise 0.
    ema_seed: an EMA starts from the mean of its first n bars (`sma`), or from the first bar (`first`). ddof: a
    deviation divides by n - ddof.
    """

    min_periods: int | None = None
    step_ns: int = 0
    ema_seed: Literal["sma", "first"] = "sma"
    ddof: int = 1

    def __post_init__(self) -> None:
        if self.min_periods is not None and self.min_periods < 1:
            raise UsageError(
                f"--min-periods {self.min_periods}: a window holds 1 bar or more; use 1 or more, or leave it out"
            )
        if self.ddof < 0:
            raise UsageError(f"--ddof {self.ddof}: it is subtracted from the number of bars; use 0 or more")
        if self.ema_seed not in ("sma", "first"):
            raise UsageError(f"--ema-seed {self.ema_seed}: not one of sma, first; use one of them")
        if self.step_ns < 0:
            raise UsageError(f"--step of {self.step_ns} ns: a step goes forward in time; use a step above 0")


class Skipped(NamedTuple):
    """Bars that another kernel processed, not this one.

    How many; that kernel's values just before them and at their end; and the largest magnitude in their slice.
    """

    bars: int
    before: float
    end: float
    largest: float


@dataclass(frozen=True)
class Argument:
    """What a kind is made of besides its window: a number from `low` on, up to `high` if there is one.

    default: as text. whole: whether it is a whole number.
    """

    name: str
    default: str
    whole: bool = True
    low: int = 1
    high: int | None = None

    @property
    def form(self) -> str:
        """How a form shows it, e.g. `SLOW=26`."""
        return f"{self.name}={self.default}"

    @property
    def rule(self) -> str:
        """What it may be, in words."""
        kind = "a whole number" if self.whole else "a number"
        return f"{kind}, {self.low} or more" if self.high is None else f"{kind} from {self.low} to {self.high:,}"

    def allows(self, number: Decimal) -> bool:
        """Whether it may be that number."""
        if self.whole and number != number.to_integral_value():
            return False
        return number >= self.low and (self.high is None or number <= self.high)


class Declared(Resumable):
    """What a kind of kernel declares: which columns it takes and gives, and what it is made of besides its window.

    inputs: the columns of bars that `push` takes, in order; none: the column that is asked for, as an average's.
    outputs: names of the rows that `push` returns; none: one value per bar, of shape (bars,). arguments: of the
    constructor, after window and options. over_prices: whether values are drawn over prices where they are of that
    size. deviates: whether it has a value only where a window has more bars than `Options.ddof`.
    """

    inputs: ClassVar[tuple[str, ...]] = ()
    outputs: ClassVar[tuple[str, ...]] = ()
    arguments: ClassVar[tuple[Argument, ...]] = ()
    over_prices: ClassVar[bool] = True
    deviates: ClassVar[bool] = False


class Kernel(Protocol):
    """Takes a symbol's bars in time order, stretch by stretch, and returns one value per bar, or several.

    Made from a window, options, and the numbers that its kind declares; raises UsageError where these do not suit the
    kind. The values do not depend, to the bit, on where one push ends and the next begins, nor on whether its state
    moved to another kernel in between.
    """

    kind: ClassVar[str]
    inputs: ClassVar[tuple[str, ...]]
    outputs: ClassVar[tuple[str, ...]]
    arguments: ClassVar[tuple[Argument, ...]]
    over_prices: ClassVar[bool]
    deviates: ClassVar[bool]

    def __init__(self, window: Window, options: Options, *numbers: Any) -> None: ...

    @property
    def state_bars(self) -> int:
        """Bars held for later windows; bounded by the window."""
        ...

    def state(self) -> State:
        """What it carries from push to push, as JSON: see windrow/states.py."""
        ...

    def restore(self, state: State) -> None:
        """Goes on from such a state. Raises StateError for one that is not of a kernel like this, or damaged."""
        ...

    def carried(self) -> Json:
        """What it carries, as a part of something's state."""
        ...

    def carry(self, told: Json) -> None:
        """Takes that."""
        ...

    @property
    def push(self) -> Callable[..., Floats]:
        """push(times, *values, starts): a value per bar, (bars,), or a row per output, (outputs, bars); NaN where there
        is none. Any number of bars.

        times: nanoseconds, strictly ascending within a symbol. values: finite, (bars,), one array for each of the
        columns that `inputs` names, or one in all. starts: (symbols,) ascending positions at which a new symbol's bars
        begin; bars before the first continue the symbol of the previous push. Raises WindowSizeError if a time window
        holds more than a million bars.
        """
        ...


class Sliceable(Kernel, Protocol):
    """A kernel whose series may be cut into slices, each given to a kernel of its own: windrow/mapreduce/slices.py.

    Such a kernel's values are those of the whole series after the slice's `head`; another kernel computes the heads,
    and moves from each to the next by `skip`.
    """

    @property
    def head(self) -> Reach:
        """The first bars of a slice, whose values need bars before it."""
        ...

    @property
    def tail(self) -> Reach:
        """The last bars of a slice, which values after it need."""
        ...

    @property
    def skip(self) -> Callable[..., None]:
        """skip(times, *values, skipped): skips bars that another kernel processed, to their end.

        times, values: their tail. skipped: a `Skipped`, of its first output. Raises SliceError where that kernel's
        values were not those of the whole series.
        """
        ...
