"""docs/catalog.md is true: its options, its reasons and its rights are those of the code."""

import re

import pytest

from tests.conftest import ROOT
from windrow.aws.permissions import CATALOGS, USAGE
from windrow.catalog.queries.questions import STORED, VIEWS
from windrow.catalog.reasons import ORDINARY, Unmeasured
from windrow.catalog.usage.cloudtrail import KINDS
from windrow.commands.catalog import catalog

GUIDE = (ROOT / "docs/catalog.md").read_text()


def section(title):
    """The text under a heading, up to the next of that level."""
    level = title.partition(" ")[0]
    return GUIDE.partition(f"\n{title}\n")[2].partition(f"\n{level} ")[0]


def test_the_guide_and_help_name_the_same_options():
    helped = {
        max(one.opts, key=len) if one.opts != ["-o", "--out"] else "-o" for one in catalog.commands["collect"].params
    }
    assert set(re.findall(r"^\| `(--?[a-z-]+)", section("## Collecting"), re.MULTILINE)) == helped


@pytest.mark.parametrize(
    ("command", "title", "options"), [("query", "## Queries", "--format"), ("ddl", "### Athena", "--crawler")]
)
def test_the_guide_and_help_name_the_same_options_of_queries(command, title, options):
    [listed] = [
        re.findall(r"^\| `(--?[a-z-]+)", table, re.MULTILINE)
        for table in section(title).partition("\n### ")[0].split("\n\n")
        if f"| `{options}" in table
    ]
    helped = [one.opts for one in catalog.commands[command].params if one.opts[0].startswith("-")]
    assert sorted(listed) == sorted(opts[0] for opts in helped)


def test_the_guide_has_every_view_and_relation():
    assert re.findall(r"^\| `([a-z_]+)` \|.*\| [\d.]+ \|", section("## Queries"), re.MULTILINE) == [*VIEWS]
    assert {*STORED, "days"} <= set(re.findall("`([a-z_]+)`", section("## Queries").partition("Below the views")[2]))


def test_the_guide_and_help_name_the_same_options_of_plan():
    rows = re.findall(r"^\| (`--[^|]+)\|", section("## Planning"), re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"--[a-z-]+", row)}
    assert told == {max(one.opts, key=len) for one in catalog.commands["plan"].params}


def test_the_guide_has_every_reason_with_its_exit_status():
    rows = re.findall(r"^\| ([a-z ,]+) \|.*\| (\d) \|$", section("## Collecting"), re.MULTILINE)
    told = {name: status == "3" for names, status in rows for name in names.split(", ")}
    assert told == {str(one): one not in ORDINARY for one in Unmeasured}


def test_the_guide_lists_the_rights_that_are_needed():
    listed = set(
        re.findall(r"\b(?:glue|s3|sts|ec2|cloudwatch):\w+", section("### Rights").partition("snapshots on S3")[0])
    )
    assert listed == {action for actions in CATALOGS.values() for action in actions}


def test_the_guide_lists_the_options_the_events_and_the_rights_of_usage():
    usage = section("## Usage")
    helped = {opt for one in catalog.commands["usage"].params for opt in one.opts if opt.startswith("--")}
    rows = "".join(re.findall(r"^\| (`--.*?) \|", usage, re.MULTILINE))
    assert set(re.findall(r"`(--[a-z-]+)", rows)) == helped
    assert all(name in usage for _, name in KINDS)
    listed = set(re.findall(r"\b(?:s3|kms|cloudtrail|athena):\w+", section("### Rights for usage")))
    assert listed == {action for actions in USAGE.values() for action in actions}
