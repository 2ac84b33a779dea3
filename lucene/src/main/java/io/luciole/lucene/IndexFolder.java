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
 * The folder of an index that is written: opens Lucene's writer on it, commits, and rolls back. A
 * new index that was never committed leaves nothing behind.
 */
final class IndexFolder {
  private final Path path;
  private final Directory directory;
  private final List<Path> created;
  private @Nullable IndexWriter writer;
  private @Nullable DirectoryReader previous;
  private String position = "";
  private volatile boolean committed;

  /** The fingerprint of the index that was there, or null of a new or empty one. */
  private @Nullable ModelFingerprint found;

  /** Whether documents were written or deleted since the index was opened. */
  private boolean written;

  IndexFolder(Path path, Directory directory, List<Path> created) {
    this.path = path;
    this.directory = directory;
    this.created = created;
  }

  /** Opens a folder; makes it, and those above it, if they are not there. */
  static IndexFolder open(Path path) {
    return open(path, () -> FSDirectory.open(path));
  }

  /** As {@link #open(Path)}, with a Lucene directory that the caller makes. */
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

  /** Opens the folder of an index that should be there; does not look whether an index is in it. */
  static Directory existing(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      throw CommitData.noIndex(path, CommitData.whatIsThere(path));
    }
    return FSDirectory.open(path);
  }

  /** Opens the writer on the index that is there, or on a new one, and gives the index's schema. */
  HybridSchema openWriter(EmbeddingEngine engine, WriteOptions options) {
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

  private HybridSchema reopen(EmbeddingEngine engine, WriteOptions options) throws IOException {
    committed = true;
    CommitData data = CommitData.read(path, directory);
    data.requireModel(path, engine.fingerprint());
    HybridSchema asked = EarlierWords.kept(options.schema().orElse(data.schema()), data.schema());
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
    previous = DirectoryReader.open(directory);
    found = previous.numDocs() == 0 ? null : data.fingerprint();
    return data.schema();
  }

  private static IndexWriterConfig config(HybridSchema schema, WriteOptions options) {
    int processors = Runtime.getRuntime().availableProcessors();
    MergeScheduler scheduler = new MergeScheduler();
    if (options.bulk()) {
      scheduler.setMaxMergesAndThreads(processors + 5, processors);
      scheduler.disableAutoIOThrottle();
    }
    IndexWriterConfig config =
        new IndexWriterConfig(Analyzers.create(schema.words().analyzer()))
            .setOpenMode(IndexWriterConfig.OpenMode.CREATE_OR_APPEND)
            .setCodec(LuceneFormats.codec(schema, processors, options.bulk()))
            .setSimilarity(similarity(schema))
            .setRAMBufferSizeMB(options.bufferMiB())
            .setMergeScheduler(scheduler)
            .setCommitOnClose(false);
    return options.bulk() ? config.setMergePolicy(NoMergePolicy.INSTANCE) : config;
  }

  static BM25Similarity similarity(HybridSchema schema) {
    return new BM25Similarity(schema.words().k1(), schema.words().b());
  }

  /** Stays silent about a merge that fails: the writer closes and tells whoever uses it next. */
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
      throw new IllegalStateException("the writer is not open");
    }
    return writer;
  }

  /** The source's position as of the commit that was there, or empty. */
  String position() {
    return position;
  }

  /** Whether the index had a document of an id when it was opened. */
  boolean contained(BytesRef id) throws IOException {
    DirectoryReader reader = previous;
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

  void commit(HybridSchema schema, ModelFingerprint engine, String reached) throws IOException {
    // Asked before the commit's own data count as a change.
    written |= writer().hasUncommittedChanges();
    ModelFingerprint fingerprint = found == null ? engine : stamp(found, engine);
    writer()
        .setLiveCommitData(new CommitData(schema, fingerprint, reached).toUserData().entrySet());
    writer().commit();
    committed = true;
  }

  /** The index's fingerprint, which tells all precisions that its vectors were computed in. */
  private ModelFingerprint stamp(ModelFingerprint index, ModelFingerprint engine) {
    if (!written || index.isAsPreciseAs(engine)) {
      return index;
    }
    List<String> all = List.of(index.precision().split(" and ", -1));
    return all.contains(engine.precision())
        ? index
        : index.withPrecision(index.precision() + " and " + engine.precision());
  }

  /** Explains a failure to write. */
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

  /** Discards what was not committed and closes everything; a second call does nothing. */
  void rollback() {
    try {
      try {
        if (writer != null) {
          writer.rollback();
        }
      } finally {
        IOUtils.close(previous, directory);
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
        // Without a writer the folder may belong to another writer, which holds the lock.
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
      // The files that stay are no index, and nothing takes them for one.
    }
  }
}
