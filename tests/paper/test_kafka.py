"""A forward test of a topic in a real Kafka, killed in between: its orders are those of a backtest of the file."""

from tests.paper.streams import bars, record
from tests.paper.test_kills import backtested, by_symbol, lines_in
from tests.paper.test_kinesis import begun, records, until  # noqa: F401  a fixture
from windrow.paper.checkpoint import ORDERS


def test_it_trades_a_topic_as_a_backtest_trades_the_file(kafka, begun, tmp_path):  # noqa: F811
    rows = list(bars(24))
    kafka.put([(row[0], record(row)) for row in rows[:36]])
    process = begun(kafka.uri)
    until(lambda: records(tmp_path / "state") == 36, process)
    process.kill()
    process.communicate()
    kafka.put([(row[0], record(row)) for row in rows[36:]])
    process = begun(kafka.uri)
    until(lambda: records(tmp_path / "state") == 72, process)
    process.terminate()
    process.communicate()
    assert process.returncode == 0
    (tmp_path / "file").mkdir()
    orders, _ = backtested(tmp_path / "file", rows)
    wanted = [line for line in orders if not line.endswith("\topen\n")]
    assert by_symbol(lines_in(tmp_path / "state" / ORDERS)) == by_symbol(wanted) and wanted
