package io.luciole.lucene;

import io.luciole.EmbeddingEngine;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.lucene.index.ConcurrentMergeScheduler;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.NoMergePolicy;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.search.similarities.BM25Similarity;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.LockObtainFailedException;
import org.apache.lucene.util.Bits;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.IOSupplier;
import org.apache.lucene.util.IOUtils;
import org.jspecify.annotations.Nullable;

/**
 * A folder that is written to: Lucene's writer, and what must be put right around it. Nothing stays
 * of a new index that was never committed.
 */
final class IndexFolder {
  private final Path path;
  private final Directory directory;
  private final List<Path> created;
  private @Nullable IndexWriter writer;
  private @Nullable DirectoryReader before;
  private String position = "";
  private volatile boolean committed;

  IndexFolder(Path path, Directory directory, List<Path> created) {
    this.path = path;
    this.directory = directory;
    this.created = created;
  }

  /** Opens a folder, making it and those above it if need be. */
  static IndexFolder open(Path path) {
    return open(path, () -> FSDirectory.open(path));
  }

  /** As {@link #open(Path)}, with a directory of the caller's on the path. */
  static IndexFolder open(Path path, IOSupplier<Directory> directory) {
    List<Path> created = new ArrayList<>();
    for (Path p = path.toAbsolutePath(); p != null && !Files.exists(p); p = p.getParent()) {
      created.add(p);
    }
    try {
      if (Files.exists(path) && !Files.isDirectory(path)) {
        throw new IndexException("Expected a folder for the index, found the file " + path + ".");
      }
      Files.createDirectories(path);
      return new IndexFolder(path, directory.get(), created);
    } catch (IOException e) {
      throw new IndexException("Cannot make the folder " + path + ": " + e, e);
    }
  }

  /** Opens the directory of an index that should be there; whether it is, the caller sees. */
  static Directory existing(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      throw CommitData.noIndex(path, CommitData.whatIsThere(path));
    }
    return FSDirectory.open(path);
  }

  /** Opens the writer on what is there, or on nothing. The schema it writes comes back. */
  HybridSchema prepare(EmbeddingEngine engine, IndexOptions options) {
    try {
      HybridSchema schema;
      if (DirectoryReader.indexExists(directory)) {
        schema = reopen(engine, options);
      } else {
        List<String> foreign = CommitData.foreignFiles(path);
        if (!foreign.isEmpty()) {
          throw new IndexException(
              "Expected an empty folder or an index of Luciole's in "
                  + path
                  + ", found "
                  + CommitData.whatIsThere(path)
                  + ". Name another folder.");
        }
        schema = options.schema().orElseGet(() -> HybridSchema.forEngine(engine));
      }
      if (!engine.backend().outputs().containsAll(schema.outputs())) {
        throw new IndexException(
            "The index "
                + path
                + " keeps "
                + schema.outputs()
                + ", the model "
                + engine.modelName()
                + " gives "
                + engine.backend().outputs()
                + " only.");
      }
      writer = new IndexWriter(directory, config(schema, options));
      return schema;
    } catch (LockObtainFailedException e) {
      throw new IndexException(
          "Another process, or another indexer of this one, writes to the index " + path + ".", e);
    } catch (IOException e) {
      throw CommitData.unreadable(path, e);
    }
  }

  private HybridSchema reopen(EmbeddingEngine engine, IndexOptions options) throws IOException {
    committed = true;
    CommitData data = CommitData.read(path, directory);
    data.requireModel(path, engine.fingerprint());
    HybridSchema asked = options.schema().orElse(data.schema());
    if (!asked.equals(data.schema())) {
      throw new IndexException(
          "The index "
              + path
              + " has the schema "
              + data.schema()
              + ", asked for was "
              + asked
              + ". Leave the schema to the index, or index anew.");
    }
    position = data.position();
    before = DirectoryReader.open(directory);
    return data.schema();
  }

  private static IndexWriterConfig config(HybridSchema schema, IndexOptions options) {
    int processors = Runtime.getRuntime().availableProcessors();
    MergeScheduler scheduler = new MergeScheduler();
    if (options.bulk()) {
      scheduler.setMaxMergesAndThreads(processors + 5, processors);
      scheduler.disableAutoIOThrottle();
    }
    IndexWriterConfig config =
        new IndexWriterConfig(Analyzers.create(schema.words().analyzer()))
            .setOpenMode(IndexWriterConfig.OpenMode.CREATE_OR_APPEND)
            .setCodec(new SchemaCodec(schema, processors, options.bulk()))
            .setSimilarity(similarity(schema))
            .setRAMBufferSizeMB(options.bufferMiB())
            .setMergeScheduler(scheduler)
            .setCommitOnClose(false);
    return options.bulk() ? config.setMergePolicy(NoMergePolicy.INSTANCE) : config;
  }

  static BM25Similarity similarity(HybridSchema schema) {
    return new BM25Similarity(schema.words().k1(), schema.words().b());
  }

  /** A merge that fails closes the writer, which says so to whoever uses it next. */
  private static final class MergeScheduler extends ConcurrentMergeScheduler {
    @Override
    protected void handleMergeException(Throwable exc) {}
  }

  Path path() {
    return path;
  }

  Directory directory() {
    return directory;
  }

  IndexWriter writer() {
    if (writer == null) {
      throw new IllegalStateException("not prepared");
    }
    return writer;
  }

  /** The source's position as of the commit that was there, or empty. */
  String position() {
    return position;
  }

  /** Whether the index, as it was opened, held a document. */
  boolean held(BytesRef id) throws IOException {
    DirectoryReader reader = before;
    if (reader == null) {
      return false;
    }
    for (LeafReaderContext leaf : reader.leaves()) {
      Terms ids = leaf.reader().terms(SchemaFields.ID);
      TermsEnum at = ids == null ? TermsEnum.EMPTY : ids.iterator();
      if (at.seekExact(id)) {
        Bits live = leaf.reader().getLiveDocs();
        PostingsEnum documents = at.postings(null, PostingsEnum.NONE);
        for (int d = documents.nextDoc();
            d != DocIdSetIterator.NO_MORE_DOCS;
            d = documents.nextDoc()) {
          if (live == null || live.get(d)) {
            return true;
          }
        }
      }
    }
    return false;
  }

  void commit(HybridSchema schema, ModelFingerprint fingerprint, String reached)
      throws IOException {
    writer()
        .setLiveCommitData(new CommitData(schema, fingerprint, reached).toUserData().entrySet());
    writer().commit();
    committed = true;
  }

  /** An exception in words for a failure to write. */
  IndexException writeFailure(Throwable failure) {
    Throwable tragedy = writer().getTragicException();
    Throwable cause = failure instanceof IOException || tragedy == null ? failure : tragedy;
    String standing =
        committed ? " The index stands as of its last commit." : " No index was made.";
    for (Throwable t = cause; t != null; t = t.getCause()) {
      String message = String.valueOf(t.getMessage()).toLowerCase(Locale.ROOT);
      if (message.contains("no space left")
          || message.contains("not enough space")
          || message.contains("quota exceeded")) {
        return new IndexException(
            "The disk is full: the index " + path + " could not be written." + standing, cause);
      }
    }
    return new IndexException(
        "The index " + path + " could not be written: " + cause + "." + standing, cause);
  }

  /** Takes back what was not committed and closes everything; a second time does nothing. */
  void abandon() {
    try {
      try {
        if (writer != null) {
          writer.rollback();
        }
      } finally {
        IOUtils.close(before, directory);
      }
    } catch (IOException | RuntimeException e) {
      throw new IndexException("Cannot close the index " + path + ": " + e, e);
    } finally {
      if (!committed) {
        removeRemains();
      }
    }
  }

  private void removeRemains() {
    try (Stream<Path> files = Files.isDirectory(path) ? Files.list(path) : Stream.empty()) {
      List<String> foreign = CommitData.foreignFiles(path);
      for (Path file : files.toList()) {
        // Without a writer the folder may be another's, who holds the lock.
        if (writer != null
            && !foreign.contains(String.valueOf(file.getFileName()))
            && Files.isRegularFile(file)) {
          Files.deleteIfExists(file);
        }
      }
      for (Path folder : created) {
        Files.deleteIfExists(folder);
      }
    } catch (IOException e) {
      // What stays is no index, and is taken for none.
    }
  }
}
