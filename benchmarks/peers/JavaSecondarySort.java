// SMA(20) as a native job of Hadoop: the textbook's secondary sort in Java, a record a bar, compared as bytes.

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.time.LocalDate;
import java.util.ArrayDeque;
import java.util.Objects;
import org.apache.hadoop.conf.Configured;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.DoubleWritable;
import org.apache.hadoop.io.LongWritable;
import org.apache.hadoop.io.NullWritable;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.io.WritableComparable;
import org.apache.hadoop.io.WritableComparator;
import org.apache.hadoop.io.WritableUtils;
import org.apache.hadoop.mapreduce.Job;
import org.apache.hadoop.mapreduce.Mapper;
import org.apache.hadoop.mapreduce.Partitioner;
import org.apache.hadoop.mapreduce.Reducer;
import org.apache.hadoop.mapreduce.lib.input.FileInputFormat;
import org.apache.hadoop.mapreduce.lib.output.FileOutputFormat;
import org.apache.hadoop.util.Tool;
import org.apache.hadoop.util.ToolRunner;

public class JavaSecondarySort extends Configured implements Tool {
    private static final int WINDOW = 20;

    /** (symbol, day): sorted by both, partitioned and grouped by the symbol. */
    public static class BarKey implements WritableComparable<BarKey> {
        private final Text symbol = new Text();
        private long day;

        void set(String symbol, long day) {
            this.symbol.set(symbol);
            this.day = day;
        }

        @Override
        public void write(DataOutput out) throws IOException {
            symbol.write(out);
            out.writeLong(day);
        }

        @Override
        public void readFields(DataInput in) throws IOException {
            symbol.readFields(in);
            day = in.readLong();
        }

        @Override
        public int compareTo(BarKey other) {
            int bySymbol = symbol.compareTo(other.symbol);
            return bySymbol != 0 ? bySymbol : Long.compare(day, other.day);
        }

        @Override
        public int hashCode() {
            return Objects.hash(symbol, day);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof BarKey && compareTo((BarKey) other) == 0;
        }
    }

    /** Compares keys where they lie in the buffers of the sort; no key becomes an object. */
    public static class BySymbol extends WritableComparator {
        public BySymbol() {
            super(BarKey.class);
        }

        static int length(byte[] key, int start) throws IOException {
            return WritableUtils.decodeVIntSize(key[start]) + readVInt(key, start);
        }

        @Override
        public int compare(byte[] one, int start1, int length1, byte[] other, int start2, int length2) {
            try {
                int end1 = length(one, start1);
                int end2 = length(other, start2);
                int head1 = WritableUtils.decodeVIntSize(one[start1]);
                int head2 = WritableUtils.decodeVIntSize(other[start2]);
                return compareBytes(one, start1 + head1, end1 - head1, other, start2 + head2, end2 - head2);
            } catch (IOException error) {
                throw new IllegalArgumentException(error);
            }
        }
    }

    /** By symbol, then by day. */
    public static class BySymbolAndDay extends BySymbol {
        @Override
        public int compare(byte[] one, int start1, int length1, byte[] other, int start2, int length2) {
            int bySymbol = super.compare(one, start1, length1, other, start2, length2);
            if (bySymbol != 0) {
                return bySymbol;
            }
            return Long.compare(readLong(one, start1 + length1 - 8), readLong(other, start2 + length2 - 8));
        }
    }

    public static class OfSymbol extends Partitioner<BarKey, DoubleWritable> {
        @Override
        public int getPartition(BarKey key, DoubleWritable price, int reducers) {
            return (key.symbol.hashCode() & Integer.MAX_VALUE) % reducers;
        }
    }

    public static class Bars extends Mapper<LongWritable, Text, BarKey, DoubleWritable> {
        private final BarKey key = new BarKey();
        private final DoubleWritable price = new DoubleWritable();

        @Override
        protected void map(LongWritable offset, Text line, Context context) throws IOException, InterruptedException {
            String[] fields = line.toString().split(",");
            if (fields[0].equals("symbol")) {
                return; // the header
            }
            key.set(fields[0], LocalDate.parse(fields[1]).toEpochDay());
            price.set(Double.parseDouble(fields[5]));
            context.write(key, price);
        }
    }

    public static class Averages extends Reducer<BarKey, DoubleWritable, NullWritable, Text> {
        private final Text line = new Text();

        @Override
        protected void reduce(BarKey key, Iterable<DoubleWritable> prices, Context context)
                throws IOException, InterruptedException {
            ArrayDeque<Double> window = new ArrayDeque<>(WINDOW + 1);
            double total = 0;
            for (DoubleWritable price : prices) { // the key is that of this price, each time
                window.add(price.get());
                total += price.get();
                if (window.size() > WINDOW) {
                    total -= window.remove();
                }
                if (window.size() == WINDOW) {
                    line.set(key.symbol + "\t" + LocalDate.ofEpochDay(key.day) + "\t" + total / WINDOW);
                    context.write(NullWritable.get(), line);
                }
            }
        }
    }

    @Override
    public int run(String[] places) throws Exception {
        Job job = Job.getInstance(getConf(), "secondary sort in Java");
        job.setJarByClass(JavaSecondarySort.class);
        job.setMapperClass(Bars.class);
        job.setReducerClass(Averages.class);
        job.setMapOutputKeyClass(BarKey.class);
        job.setMapOutputValueClass(DoubleWritable.class);
        job.setSortComparatorClass(BySymbolAndDay.class);
        job.setGroupingComparatorClass(BySymbol.class);
        job.setPartitionerClass(OfSymbol.class);
        job.setOutputKeyClass(NullWritable.class);
        job.setOutputValueClass(Text.class);
        FileInputFormat.addInputPath(job, new Path(places[0]));
        FileOutputFormat.setOutputPath(job, new Path(places[1]));
        return job.waitForCompletion(true) ? 0 : 1;
    }

    public static void main(String[] arguments) throws Exception {
        System.exit(ToolRunner.run(new JavaSecondarySort(), arguments));
    }
}
