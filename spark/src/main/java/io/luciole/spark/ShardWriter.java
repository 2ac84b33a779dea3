package io.luciole.spark;

import static java.util.Objects.requireNonNull;

import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.SourceDocument;
import io.luciole.lucene.WriteOptions;
import io.luciole.model.ModelFingerprint;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.commons.io.FileUtils;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.write.DataWriter;
import org.apache.spark.sql.connector.write.WriterCommitMessage;
import org.jspecify.annotations.Nullable;

/**
 * Builds the shard of a task's attempt in a local folder of Spark's, and copies it to the target
 * when Spark lets this attempt commit. A partition without documents has no shard, but for the
 * first: its shard is then empty, and stands for the index if the whole job has no documents. Not
 * for use by several threads, other than those on which documents are written.
 */
final class ShardWriter implements DataWriter<InternalRow> {
  private final ShardPlan plan;
  private final String shard;
  private final DocumentRows rows;
  private final AtomicReference<@Nullable Failure> failure = new AtomicReference<>();
  private final AtomicLong replaced = new AtomicLong();
  private long documents;
  private long skipped;
  private boolean copying;
  private @Nullable Path folder;
  private @Nullable HybridIndexer indexer;

  /** The first document that failed. */
  private record Failure(String id, Throwable thrown) {}

  ShardWriter(ShardPlan plan, String shard) {
    this.plan = plan;
    this.shard = shard;
    this.rows = DocumentRows.of(plan);
  }

  @Override
  public void write(InternalRow row) throws IOException {
    throwFailure();
    String error = rows.error(row);
    if (error == null) {
      documents++;
      SourceDocument document = rows.document(row);
      var unused =
          indexer()
              .put(document, rows.embedding(row))
              .whenComplete((replacing, thrown) -> {
                if (thrown != null) {
                  failure.compareAndSet(null, new Failure(document.id(), thrown));
                } else if (replacing) {
                  replaced.incrementAndGet();
                }
              });
      return;
    }
    if (!plan.skipsErrors()) {
      throw new IOException(
          "the document "
              + rows.id(row)
              + " has no embedding: "
              + error
              + ". Filter such rows (error IS NULL), or leave them out by the option errors=skip");
    }
    skipped++;
  }

  private HybridIndexer indexer() throws IOException {
    if (indexer == null) {
      folder = localFolder();
      indexer =
          HybridIndexer.open(
              folder,
              ModelFingerprint.parse(plan.model()),
              WriteOptions.defaults()
                  .schema(HybridSchema.parse(plan.schema()))
                  .writerThreads(TaskContext.get().cpus())
                  .bulk(true));
    }
    return indexer;
  }

  /** A folder that goes with the executor's others if the executor dies. */
  private Path localFolder() throws IOException {
    File[] disks = SparkEnv.get().blockManager().diskBlockManager().localDirs();
    int disk = (int) Math.floorMod(TaskContext.get().taskAttemptId(), (long) disks.length);
    return Files.createDirectories(disks[disk].toPath().resolve("luciole")).resolve(shard);
  }

  private void throwFailure() throws IOException {
    Failure first = failure.get();
    if (first != null) {
      throw new IOException(
          "the document "
              + first.id()
              + " of the shard "
              + shard
              + " cannot be written: "
              + first.thrown().getMessage(),
          first.thrown());
    }
  }

  @Override
  public WriterCommitMessage commit() throws IOException {
    if (indexer == null && TaskContext.getPartitionId() > 0) {
      return new ShardCommit("", 0, 0, skipped);
    }
    HybridIndexer complete = indexer();
    complete.commitMerged();
    throwFailure();
    complete.close();
    copying = true;
    try (ShardTarget target = ShardTarget.open(plan)) {
      target.copy(requireNonNull(folder), shard);
    }
    if (TaskContext.get().isInterrupted()) {
      // The driver may have deleted the folders of this run before the copy was there.
      throw new IOException(
          "the task was killed while it copied the shard " + shard + ", which is deleted again");
    }
    return new ShardCommit(shard, documents - replaced.get(), replaced.get(), skipped);
  }

  @Override
  public void abort() throws IOException {
    if (copying) {
      try (ShardTarget target = ShardTarget.open(plan)) {
        target.delete(shard::equals);
      }
    }
  }

  @Override
  public void close() throws IOException {
    if (indexer != null) {
      indexer.rollback();
    }
    if (folder != null) {
      FileUtils.deleteDirectory(folder.toFile());
    }
  }
}
