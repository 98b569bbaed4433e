import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The load of the benchmark with Kafka's own Java clients: carries out one job (JSON file) and prints one JSON line.
 *
 * <p>produce: writes a given number of records, partitions in turn. steady: writes at a given rate, reads the same
 * topic at both clusters in this very process (one clock), and gives the percentiles of the times from the send to
 * either reader and of the difference. See load.ts for the shapes.
 */
public final class Load {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int STAMP_BYTES = 4;
  /** Values are taken from this many different ones: making each anew would cost more than sending it. */
  private static final int DIFFERENT_VALUES = 512;
  /** More than a batch or a compressor's window holds: repeated values would compress to almost nothing. */
  private static final int DIFFERENT_JSON_VALUES = 16_384;

  public static void main(String[] arguments) throws Exception {
    JsonNode job = JSON.readTree(new File(arguments[0]));
    System.out.println(JSON.writeValueAsString(job.get("kind").asText().equals("steady") ? steady(job) : produce(job)));
    System.out.flush();
    // Clients that wait for a broker's last words must not hold up the run.
    Runtime.getRuntime().halt(0);
  }

  // ---- produce ----

  private static ObjectNode produce(JsonNode job) throws Exception {
    long records = job.get("records").asLong();
    JsonNode transactions = job.get("transactions");
    int perTransaction = transactions == null ? 0 : transactions.get("records").asInt();
    int abortEvery = transactions == null ? 0 : transactions.get("abortEvery").asInt();
    byte[][] values = values(job);
    List<TopicPartition> partitions = partitions(job);
    AtomicReference<Exception> failure = new AtomicReference<>();
    long committed = 0;
    long sent = 0;
    long startedAt = System.nanoTime();
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(producer(job))) {
      if (transactions != null) producer.initTransactions();
      startedAt = System.nanoTime();
      long inTransaction = 0;
      long number = 0;
      long perSecond = job.has("recordsPerSecond") ? job.get("recordsPerSecond").asLong() : 0;
      long measuringAt = seconds(job, "warmUpSeconds");
      long endAt = job.has("seconds") ? measuringAt + seconds(job, "seconds") : Long.MAX_VALUE;
      boolean measuring = endAt == Long.MAX_VALUE;
      for (long i = 0; i < records && failure.get() == null; i++, sent = i) {
        // Whole transactions: what is open belongs to the one that is being written.
        long sinceStart = System.nanoTime() - startedAt;
        if (inTransaction == 0 && sinceStart >= endAt) break;
        if (!measuring && sinceStart >= measuringAt) {
          measuring = true;
          event("measuring");
        }
        if (perSecond > 0) waitUntil(startedAt + i * 1_000_000_000L / perSecond);
        if (transactions != null && inTransaction == 0) producer.beginTransaction();
        TopicPartition to = partitions.get((int) (i % partitions.size()));
        byte[] value = values[(int) (i % values.length)];
        producer.send(new ProducerRecord<>(to.topic(), to.partition(), null, value), (metadata, error) -> {
          if (error != null) failure.compareAndSet(null, error);
        });
        if (transactions == null) continue;
        inTransaction++;
        if (inTransaction < perTransaction && i + 1 < records) continue;
        number++;
        if (abortEvery > 0 && number % abortEvery == 0) {
          // Unflushed records would only be dropped by the client: the log is to hold what was aborted.
          producer.flush();
          producer.abortTransaction();
        } else {
          producer.commitTransaction();
          committed += inTransaction;
        }
        inTransaction = 0;
      }
      producer.flush();
      if (job.has("seconds")) event("sent");
    }
    if (failure.get() != null) throw failure.get();
    double seconds = (System.nanoTime() - startedAt) / 1e9;
    return JSON.createObjectNode()
        .put("records", sent)
        .put("visibleRecords", transactions == null ? sent : committed)
        .put("seconds", seconds);
  }

  private static long seconds(JsonNode job, String name) {
    return job.has(name) ? job.get(name).asLong() * 1_000_000_000L : 0;
  }

  private static void event(String name) {
    System.out.println("{\"event\":\"" + name + "\"}");
  }

  private static Properties producer(JsonNode job) {
    Properties properties = client(job, "client");
    properties.put("key.serializer", ByteArraySerializer.class.getName());
    properties.put("value.serializer", ByteArraySerializer.class.getName());
    properties.put("acks", "all");
    job.get("producer").properties().forEach(e -> properties.setProperty(e.getKey(), e.getValue().asText()));
    return properties;
  }

  private static Properties client(JsonNode job, String name) {
    Properties properties = new Properties();
    job.get(name).properties().forEach(e -> properties.setProperty(e.getKey(), e.getValue().asText()));
    return properties;
  }

  private static List<TopicPartition> partitions(JsonNode job) {
    List<TopicPartition> all = new ArrayList<>();
    for (JsonNode topic : job.get("topics")) {
      IntStream.range(0, job.get("partitions").asInt()).forEach(p -> all.add(new TopicPartition(topic.asText(), p)));
    }
    return all;
  }

  /** `random`: does not compress. `json`: lines of a log as services write them, about a sixth when compressed. */
  private static byte[][] values(JsonNode job) {
    int length = job.get("valueBytes").asInt();
    boolean json = job.get("content").asText().equals("json");
    Random random = new Random(4711);
    int different = json ? DIFFERENT_JSON_VALUES : DIFFERENT_VALUES;
    byte[][] values = new byte[(int) Math.max(1, Math.min(different, (64L << 20) / Math.max(1, length)))][];
    for (int i = 0; i < values.length; i++) {
      values[i] = new byte[length];
      if (json) fillWithJson(values[i], random);
      else random.nextBytes(values[i]);
    }
    return values;
  }

  private static void fillWithJson(byte[] value, Random random) {
    StringBuilder text = new StringBuilder();
    while (text.length() < value.length) {
      text.append("{\"time\":\"2026-11-21T10:").append(10 + random.nextInt(50)).append(':').append(10 + random.nextInt(50))
          .append("Z\",\"service\":\"checkout-").append(random.nextInt(9)).append("\",\"request\":\"")
          .append(Long.toHexString(random.nextLong())).append("\",\"customer\":").append(random.nextInt(1_000_000))
          .append(",\"status\":").append(random.nextInt(20) == 0 ? 500 : 200).append(",\"took_ms\":")
          .append(random.nextInt(900)).append("}");
    }
    System.arraycopy(text.toString().getBytes(StandardCharsets.US_ASCII), 0, value, 0, value.length);
  }

  // ---- steady ----

  private static ObjectNode steady(JsonNode job) throws Exception {
    int perSecond = job.get("recordsPerSecond").asInt();
    int warmUp = perSecond * job.get("warmUpSeconds").asInt();
    int records = warmUp + perSecond * job.get("seconds").asInt();
    List<TopicPartition> partitions = partitions(job);
    long[] sent = new long[records];
    Reader atSource = new Reader(client(job, "client"), partitions, records);
    Reader atTarget = new Reader(client(job, "target"), partitions, records);
    atSource.start();
    atTarget.start();
    atSource.ready.await();
    atTarget.ready.await();
    AtomicReference<Exception> failure = new AtomicReference<>();
    Random random = new Random(4711);
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(producer(job))) {
      byte[] content = new byte[job.get("valueBytes").asInt()];
      random.nextBytes(content);
      long startedAt = System.nanoTime();
      for (int i = 0; i < records && failure.get() == null; i++) {
        waitUntil(startedAt + i * 1_000_000_000L / perSecond);
        if (i == warmUp) event("measuring");
        byte[] value = content.clone();
        sent[i] = System.nanoTime();
        ByteBuffer.wrap(value).putInt(i);
        TopicPartition to = partitions.get(i % partitions.size());
        producer.send(new ProducerRecord<>(to.topic(), to.partition(), null, value), (metadata, error) -> {
          if (error != null) failure.compareAndSet(null, error);
        });
      }
      event("sent");
      producer.flush();
    }
    if (failure.get() != null) throw failure.get();
    long deadline = System.nanoTime() + job.get("drainSeconds").asLong() * 1_000_000_000L;
    while (System.nanoTime() < deadline && !(atSource.isComplete() && atTarget.isComplete())) Thread.sleep(20);
    if (atTarget.failure.get() != null) throw atTarget.failure.get();
    if (atSource.failure.get() != null) throw atSource.failure.get();
    return JSON.createObjectNode()
        .put("records", records - warmUp)
        .put("missing", count(atTarget.seenAt, warmUp, 0))
        .<ObjectNode>set("source", percentiles(atSource.seenAt, sent, warmUp))
        .<ObjectNode>set("target", percentiles(atTarget.seenAt, sent, warmUp))
        .set("added", percentiles(atTarget.seenAt, atSource.seenAt, warmUp));
  }

  private static void waitUntil(long due) {
    for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) LockSupport.parkNanos(left);
  }

  private static int count(long[] all, int from, long value) {
    return (int) IntStream.range(from, all.length).filter(i -> all[i] == value).count();
  }

  /** Milliseconds from `since` to `until`, record by record; a record that only one side has is left out. */
  private static ObjectNode percentiles(long[] until, long[] since, int from) {
    long[] times = IntStream.range(from, until.length)
        .filter(i -> until[i] != 0 && since[i] != 0)
        .mapToLong(i -> until[i] - since[i])
        .toArray();
    Arrays.sort(times);
    return JSON.createObjectNode()
        .put("p50Ms", at(times, 0.5)).put("p99Ms", at(times, 0.99)).put("maxMs", at(times, 1));
  }

  private static double at(long[] sorted, double share) {
    if (sorted.length == 0) throw new IllegalStateException("no record reached both readers");
    return sorted[(int) Math.min(sorted.length - 1, Math.floor(share * sorted.length))] / 1e6;
  }

  /** Notes when each record was first seen at one cluster. */
  private static final class Reader extends Thread {
    final long[] seenAt;
    final CountDownLatch ready = new CountDownLatch(1);
    final AtomicReference<Exception> failure = new AtomicReference<>();
    private final Properties client;
    private final List<TopicPartition> partitions;
    private volatile int seen;

    Reader(Properties client, List<TopicPartition> partitions, int records) {
      this.client = client;
      this.partitions = partitions;
      this.seenAt = new long[records];
      setDaemon(true);
    }

    boolean isComplete() {
      return seen == seenAt.length || failure.get() != null;
    }

    @Override
    public void run() {
      client.put("key.deserializer", ByteArrayDeserializer.class.getName());
      client.put("value.deserializer", ByteArrayDeserializer.class.getName());
      client.put("enable.auto.commit", "false");
      client.put("auto.offset.reset", "earliest");
      client.put("check.crcs", "false");
      client.put("max.poll.records", "5000");
      try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(client)) {
        consumer.assign(partitions);
        consumer.seekToEnd(partitions);
        for (TopicPartition partition : partitions) consumer.position(partition);
        ready.countDown();
        while (seen < seenAt.length) {
          for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
            if (record.value().length < STAMP_BYTES) continue;
            int number = ByteBuffer.wrap(record.value()).getInt();
            if (number < 0 || number >= seenAt.length || seenAt[number] != 0) continue;
            seenAt[number] = System.nanoTime();
            seen++;
          }
        }
      } catch (Exception error) {
        failure.set(error);
        ready.countDown();
      }
    }
  }
}
