"""Charts in notebooks: altair's, with their picture in it, which is what one sees where no script can be loaded.

A notebook gets vega from a server of packages. Without a network, or where scripts do not run, as in a notebook that is
read on a server of code, there would be a message in red in place of the chart.
"""

import re
from base64 import b64encode
from functools import partial
from typing import Any

import vl_convert

from windrow.pages.vega import drawable

#: Where altair puts the chart, and what it writes there where a script cannot be loaded.
_PLACE = re.compile(r'(<div id="altair-viz-[0-9a-f]+">)(</div>)')
_ERROR = re.compile(r"outputDiv\.innerHTML = `[^`]*`;")


def pictured(chart: Any) -> Any:
    """The same chart, whose HTML has its picture; charts that are made of it are altair's own."""
    object.__setattr__(chart, "_repr_mimebundle_", partial(_bundle, chart))  # altair's own sets a part of the chart
    return chart


def _bundle(chart: Any, *args: Any, **kwargs: Any) -> Any:
    """What a notebook shows, as altair's renderer has it; of HTML, with the picture until there is the chart."""
    bundle = type(chart)._repr_mimebundle_(chart, *args, **kwargs)
    html = bundle.get("text/html") if isinstance(bundle, dict) else None
    if html is None or not (_PLACE.search(html) and _ERROR.search(html)):  # of another renderer, or altair
        return bundle
    made = vl_convert.vegalite_to_png(drawable(chart.to_dict()), scale=1.5)
    image = f'<img alt="" style="max-width: 100%" src="data:image/png;base64,{b64encode(made).decode()}">'
    shown = _PLACE.sub(lambda found: f"{found[1]}{image}{found[2]}", _ERROR.sub("", html, count=1), count=1)
    return {**bundle, "text/html": shown}
