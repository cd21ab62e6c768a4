"""windrow's jobs by -r emr: the submitted steps run on a real Hadoop, and give the bytes of -r local."""

from tests.cluster.conftest import INDICATORS, ROOT, averages, shuffled_rows
from tests.emr.conftest import keys, read

BARS = ROOT / "data/bars.csv"


def put_bars(double):
    header, rows = shuffled_rows()
    for number in range(2):
        text = "\n".join([header, *rows[number::2]]) + "\n"
        double.client("s3").put_object(Bucket="bars", Key=f"in/{number}.csv", Body=text.encode())


def test_the_main_job(on_emr, double):
    put_bars(double)
    ran = on_emr(*INDICATORS, "s3://bars/in/")
    print(ran.err)
    assert ran.status == 0, ran.err
    assert ran.lines == averages()
