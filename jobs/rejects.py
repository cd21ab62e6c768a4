"""Every line of the inputs that is no bar, as JSON: its file, the reason, its text."""

import orjson

from windrow.console import say
from windrow.mapreduce.barjob import BarJob
from windrow.mapreduce.counters import rejected_lines


class Rejects(BarJob):
    r"""Map only. A text is cut at 1 KiB; bytes that are not UTF-8 stand in it as \xNN."""

    map_only = True
    keep_texts = True

    def add_options(self):
        group = self.add_group("Rejected lines")
        self.option(group, "--column NAME,...", "columns that must hold a value (default close)", default="close")

    def columns(self):
        return self.options.column.split(",")

    def map_bars(self, bars, source):
        for reason, text in bars.texts:
            fields = {"file": source, "reason": reason, "text": text.decode(errors="backslashreplace")}
            yield orjson.dumps(fields) + b"\n"

    def judge(self, counts, conflicts):
        """Any number of rejected lines is a result here, none too."""

    def tell(self, counts):
        if not self.options.quiet:
            say(f"{rejected_lines(counts):,} of {rejected_lines(counts) + counts['bars']:,} lines are no bars")


if __name__ == "__main__":
    Rejects.run()
