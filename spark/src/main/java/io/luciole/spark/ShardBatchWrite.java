package io.luciole.spark;

import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.ShardManifest;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.write.BatchWrite;
import org.apache.spark.sql.connector.write.DataWriter;
import org.apache.spark.sql.connector.write.DataWriterFactory;
import org.apache.spark.sql.connector.write.PhysicalWriteInfo;
import org.apache.spark.sql.connector.write.WriterCommitMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Plans and commits a write on the driver. */
final class ShardBatchWrite implements BatchWrite {
  private static final Logger log = LoggerFactory.getLogger(ShardBatchWrite.class);

  private final ShardPlan plan;
  private final boolean overwrites;

  /** The manifest's content before this write. */
  private final String before;

  /** The shards that stay. */
  private final List<ShardManifest.Shard> kept;

  /**
   * Begins a write.
   *
   * @param overwrites whether what is there is replaced
   * @throws IllegalArgumentException if what is there and stays has another model or schema
   */
  ShardBatchWrite(ShardPlan plan, boolean overwrites) {
    this.plan = plan;
    this.overwrites = overwrites;
    try (ShardTarget target = ShardTarget.open(plan)) {
      before = target.manifest();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    kept = overwrites || before.isEmpty() ? List.of() : kept(ShardManifest.parse(before));
  }

  private List<ShardManifest.Shard> kept(ShardManifest manifest) {
    ModelFingerprint model = ModelFingerprint.parse(plan.model());
    ModelFingerprint there = manifest.model();
    manifest.requireAlike(plan.path(), HybridSchema.parse(plan.schema()), model);
    if (!there.isAsPreciseAs(model)) {
      log.warn(
          "The shards in {} were computed in {}, those to append in {}: the same texts give somewhat"
              + " other vectors. Set spark.luciole.precision to that of the shards.",
          plan.path(),
          there.precision(),
          model.precision());
    }
    return manifest.shards();
  }

  @Override
  public DataWriterFactory createBatchWriterFactory(PhysicalWriteInfo info) {
    return new Factory(plan);
  }

  /** Makes a writer of a task's attempt. */
  record Factory(ShardPlan plan) implements DataWriterFactory {
    private static final long serialVersionUID = 1L;

    @Override
    public DataWriter<InternalRow> createWriter(int partition, long taskId) {
      JavaRequirement.require();
      return new ShardWriter(plan, plan.shard(partition, taskId));
    }
  }

  @Override
  public void commit(WriterCommitMessage[] messages) {
    List<ShardCommit> commits =
        Arrays.stream(messages)
            .map(ShardCommit.class::cast)
            .sorted(Comparator.comparing(ShardCommit::shard))
            .toList();
    List<ShardManifest.Shard> shards = new ArrayList<>(kept);
    commits.stream()
        .filter(commit -> commit.documents() > 0)
        .forEach(commit -> shards.add(entry(commit)));
    if (shards.isEmpty()) {
      // Without any shard an index cannot be opened; that of the first partition may be empty.
      shards.add(
          entry(
              commits.stream()
                  .filter(commit -> !commit.shard().isEmpty())
                  .findFirst()
                  .orElseThrow()));
    }
    ShardManifest manifest =
        new ShardManifest(
            HybridSchema.parse(plan.schema()), ModelFingerprint.parse(plan.model()), shards);
    try (ShardTarget target = ShardTarget.open(plan)) {
      target.publish(before, manifest.format());
      collect(target, manifest);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    log.info(
        "Wrote {} documents to {} in {} shards; {} replaced an earlier one of their id in the same"
            + " partition, {} rows with an error were skipped.",
        sum(commits, ShardCommit::documents),
        plan.path(),
        shards.size() - kept.size(),
        sum(commits, ShardCommit::replaced),
        sum(commits, ShardCommit::skipped));
  }

  private static ShardManifest.Shard entry(ShardCommit commit) {
    return new ShardManifest.Shard(commit.shard(), commit.documents());
  }

  /** Deletes what no longer belongs to the index. The write has succeeded, whatever this does. */
  private void collect(ShardTarget target, ShardManifest manifest) {
    Set<String> named = names(manifest);
    try {
      target.delete(folder ->
          !named.contains(folder)
              && (plan.isOfThisRun(folder) || (overwrites && folder.startsWith("part-"))));
    } catch (IOException e) {
      log.warn("Folders in {} that the manifest does not name were left behind", plan.path(), e);
    }
  }

  private static Set<String> names(ShardManifest manifest) {
    return manifest.shards().stream().map(ShardManifest.Shard::name).collect(Collectors.toSet());
  }

  private static long sum(List<ShardCommit> commits, ToLongFunction<ShardCommit> number) {
    return commits.stream().mapToLong(number).sum();
  }

  /** Keeps what a manifest names, since a commit may fail after it was published. */
  @Override
  public void abort(WriterCommitMessage[] messages) {
    try (ShardTarget target = ShardTarget.open(plan)) {
      String now = target.manifest();
      Set<String> named = now.isEmpty() ? Set.of() : names(ShardManifest.parse(now));
      target.delete(folder -> plan.isOfThisRun(folder) && !named.contains(folder));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
