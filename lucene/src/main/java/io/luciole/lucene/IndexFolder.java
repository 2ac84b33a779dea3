package io.luciole.lucene;

import io.luciole.EmbeddingEngine;
import io.luciole.model.ModelFingerprint;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.MergePolicy;
import org.apache.lucene.index.NoMergePolicy;
import org.apache.lucene.index.SegmentInfos;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexOutput;
import org.apache.lucene.store.Lock;
import org.apache.lucene.store.LockObtainFailedException;
import org.apache.lucene.util.IOSupplier;
import org.apache.lucene.util.IOUtils;
import org.jspecify.annotations.Nullable;

/**
 * The folder of an index that is written, or another Lucene directory: opens Lucene's writer on it,
 * commits, and rolls back. A new index that was never committed leaves nothing behind in a folder.
 */
final class IndexFolder {
  /** What must fit the disk before an index is taken for one that can be written. */
  private static final int PROBE_BYTES = 1 << 20;

  private final Object place;
  private final Directory directory;
  private final List<Path> created;

  /** The folder, which is closed and tidied up in the end, or null for a caller's directory. */
  private final @Nullable Path folder;

  private @Nullable IndexWriter writer;
  private @Nullable KnownIds ids;
  private @Nullable ModelStamp stamp;
  private @Nullable MergePolicy merges;
  private boolean reorder;
  private String position = "";
  private volatile boolean committed;

  private IndexFolder(
      Object place, Directory directory, @Nullable Path folder, List<Path> created) {
    this.place = place;
    this.directory = directory;
    this.folder = folder;
    this.created = created;
  }

  /** A directory that stays the caller's to close. */
  static IndexFolder of(Directory directory) {
    return new IndexFolder(IndexProblems.place(directory), directory, null, List.of());
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
        throw new IndexMismatchException(
            "Expected a folder for the index, found the file " + path + ".");
      }
      Files.createDirectories(path);
      return new IndexFolder(path, directory.get(), path, created);
    } catch (IOException e) {
      throw new IndexException("Cannot make the folder " + path + ": " + e, e);
    }
  }

  /** Opens the folder of an index that should be there; does not look whether an index is in it. */
  static Directory existing(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      throw IndexProblems.noIndex(path, IndexProblems.insteadOfFolder(path));
    }
    return FSDirectory.open(path);
  }

  /**
   * Opens the writer on the index that is there, or on a new one, and gives the index's schema.
   *
   * @param model the model whose vectors are written
   * @param engine makes them, or null if they are made elsewhere
   */
  HybridSchema openWriter(
      ModelFingerprint model, @Nullable EmbeddingEngine engine, WriteOptions options) {
    try {
      long seen = SegmentInfos.getLastCommitGeneration(directory);
      HybridSchema schema =
          DirectoryReader.indexExists(directory) ? reopen(model, options) : create(engine, options);
      if (engine != null && !engine.backend().outputs().containsAll(schema.outputs())) {
        throw new IndexMismatchException(
            "The index "
                + place
                + " keeps "
                + schema.outputs()
                + ", the model "
                + engine.modelName()
                + " gives "
                + engine.backend().outputs()
                + " only.");
      }
      requireDimension(schema, model);
      IndexWriterConfig config = WriterConfigs.create(schema, options);
      @Nullable IndexTraits traits = committed ? IndexTraits.of(directory) : null;
      if (traits != null) {
        config = traits.complete(config);
      }
      DocumentOrder.prepare(config, schema, place, traits, options.reorder());
      merges = config.getMergePolicy();
      reorder = options.reorder();
      if (options.bulk()) {
        config.setMergePolicy(NoMergePolicy.INSTANCE);
      }
      IndexWriter opened = openWriter(config);
      // The writer's lock keeps the commit from changing from here on.
      if (SegmentInfos.getLastCommitGeneration(directory) != seen) {
        opened.rollback();
        return openWriter(model, engine, options);
      }
      writer = opened;
      openIds(model);
      return schema;
    } catch (IOException e) {
      throw IndexProblems.unreadable(place, e);
    }
  }

  private void requireDimension(HybridSchema schema, ModelFingerprint model) {
    schema
        .dense()
        .filter(dense -> dense.dimension() != model.dimension())
        .ifPresent(dense -> {
          throw new IndexMismatchException(
              "The index "
                  + place
                  + " keeps dense vectors of "
                  + dense.dimension()
                  + " components, the model "
                  + model.brief()
                  + " gives others. Use a schema of the model's dimension.");
        });
  }

  private IndexWriter openWriter(IndexWriterConfig config) throws IOException {
    try {
      return new IndexWriter(directory, config);
    } catch (LockObtainFailedException e) {
      throw IndexProblems.inUse(place, e);
    } catch (IllegalArgumentException e) {
      throw new IndexException(
          "The index "
              + place
              + " cannot be written as configured by WriteOptions.writerConfig: "
              + e.getMessage(),
          e);
    } catch (IOException e) {
      if (isForbidden(e)) {
        throw forbidden(e);
      }
      throw e;
    }
  }

  /** Whether a folder must not be written; then, perhaps, its lock file is missing. */
  private static boolean isForbidden(IOException e) {
    return e instanceof AccessDeniedException
        || String.valueOf(e.getMessage()).contains("Read-only file system")
        || Stream.of(e.getSuppressed()).anyMatch(AccessDeniedException.class::isInstance);
  }

  private IndexException forbidden(IOException e) {
    return new IndexException(
        "Cannot write the index "
            + place
            + ": no permission ("
            + e
            + "). Run with the rights to write it; searching needs none.",
        e);
  }

  private HybridSchema create(@Nullable EmbeddingEngine engine, WriteOptions options)
      throws IOException {
    List<String> foreign = IndexProblems.foreignFiles(directory);
    if (!foreign.isEmpty()) {
      throw new IndexMismatchException(
          "Expected an empty folder or an index of Luciole's in "
              + place
              + ", found "
              + IndexProblems.whatIsThere(directory)
              + ". Name another folder.");
    }
    if (engine == null) {
      return options
          .schema()
          .orElseThrow(() ->
              new IndexException(
                  "The new index "
                      + place
                      + " needs a schema, since there is no engine to tell what the model gives: set"
                      + " WriteOptions.schema, with HybridSchema.builder(dimension, normalized)."));
    }
    return options.schema().orElseGet(() -> HybridSchema.forEngine(engine));
  }

  private HybridSchema reopen(ModelFingerprint model, WriteOptions options) {
    committed = true;
    CommitMark mark = CommitMark.read(place, directory);
    mark.requireModel(place, model);
    HybridSchema asked =
        options.schema().map(schema -> schema.asKeptBy(mark.schema())).orElse(mark.schema());
    if (!asked.equals(mark.schema())) {
      throw new IndexMismatchException(
          "The index "
              + place
              + " has the schema that is asked for except for "
              + Differences.between(mark.schema(), asked)
              + ". Leave the schema to the index, or index anew.");
    }
    position = mark.position();
    return asked;
  }

  private void openIds(ModelFingerprint model) throws IOException {
    ModelFingerprint index = null;
    DirectoryReader reader = null;
    if (committed) {
      reader = LiveReader.open(directory);
      index = reader.numDocs() == 0 ? null : CommitMark.read(place, directory).fingerprint();
    }
    ids = new KnownIds(reader);
    stamp = new ModelStamp(model, index);
  }

  /** Where the index is, for people. */
  Object place() {
    return place;
  }

  Directory directory() {
    return directory;
  }

  IndexWriter writer() {
    return opened(writer);
  }

  /** Which documents the index has. */
  KnownIds ids() {
    return opened(ids);
  }

  /** The fingerprint that the next commit tells. */
  ModelStamp stamp() {
    return opened(stamp);
  }

  private static <T> T opened(@Nullable T part) {
    if (part == null) {
      throw new IllegalStateException("the writer is not open");
    }
    return part;
  }

  /** The source's position as of the commit that was there, or empty. */
  String position() {
    return position;
  }

  /** Merges everything into one segment, in a better order if that is asked for. */
  void mergeAll(HybridSchema schema) throws IOException {
    MergePolicy single = new SingleSegmentMerge(opened(merges));
    writer()
        .getConfig()
        .setMergePolicy(
            reorder
                ? DocumentOrder.reordering(single, schema, writer().getDocStats().maxDoc)
                : single);
    writer().forceMerge(1);
    if (reorder) {
      DocumentOrder.warnIfNotReordered(writer());
    }
  }

  void commit(HybridSchema schema, String reached) throws IOException {
    writer()
        .setLiveCommitData(new CommitMark(schema, stamp().get(), reached).userData().entrySet());
    writer().commit();
    committed = true;
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
            "The disk is full: the index " + place + " could not be written." + standing, cause);
      }
      if (t instanceof CorruptIndexException) {
        return new IndexException(
            "The index "
                + place
                + " could not be written, because a file of it or of what was added to it is"
                + " damaged: "
                + t
                + "."
                + standing
                + " Restore what is damaged, or index anew.",
            cause);
      }
    }
    boolean isMissing =
        cause instanceof NoSuchFileException || cause instanceof FileNotFoundException;
    IndexException gone = committed && isMissing ? missing().orElse(null) : null;
    if (gone != null) {
      return new IndexException(String.valueOf(gone.getMessage()), cause);
    }
    return new IndexException(
        "The index " + place + " could not be written: " + cause + "." + standing, cause);
  }

  /** Discards what was not committed and closes everything; a second call does nothing. */
  void rollback() {
    try {
      try {
        if (writer != null) {
          writer.rollback();
        }
      } finally {
        IOUtils.close(ids, folder == null ? null : directory);
      }
    } catch (IOException | RuntimeException e) {
      throw new IndexException("Cannot close the index " + place + ": " + e, e);
    } finally {
      if (!committed && folder != null) {
        removeRemains(folder);
      }
    }
  }

  private void removeRemains(Path path) {
    try {
      // Without a writer the folder may belong to another writer, which holds the lock.
      if (writer != null) {
        deleteUncommitted(path);
      }
      for (Path made : created) {
        Files.deleteIfExists(made);
      }
    } catch (IOException e) {
      // The files that stay are no index, and nothing takes them for one.
    }
  }

  /**
   * Deletes what a writer left that never committed. Its lock is free by now, so another writer may
   * have come, which holds it, or may have made an index already.
   */
  private static void deleteUncommitted(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      return;
    }
    try (Directory left = FSDirectory.open(path);
        Lock alone = left.obtainLock(IndexWriter.WRITE_LOCK_NAME)) {
      alone.ensureValid();
      if (SegmentInfos.getLastCommitGeneration(left) < 0) {
        deleteFiles(path);
      }
    }
  }

  /** Deletes Lucene's files, the lock last: who makes another then writes into an empty folder. */
  private static void deleteFiles(Path path) throws IOException {
    try (Stream<Path> files = Files.isDirectory(path) ? Files.list(path) : Stream.empty()) {
      for (Path file :
          files
              .sorted(Comparator.comparing(f -> f.endsWith(IndexWriter.WRITE_LOCK_NAME)))
              .toList()) {
        if (IndexProblems.isLucenes(String.valueOf(file.getFileName()))
            && Files.isRegularFile(file)) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  /**
   * Deletes an index that nobody writes, and its folder if nothing else is in it. A folder that
   * cannot be removed, such as a mount point, stays without the index.
   */
  static void delete(Path path) {
    if (!Files.exists(path)) {
      return;
    }
    try (Directory directory = existing(path);
        Lock alone = directory.obtainLock(IndexWriter.WRITE_LOCK_NAME)) {
      alone.ensureValid();
      deleteFiles(path);
    } catch (LockObtainFailedException e) {
      throw IndexProblems.inUse(path, e);
    } catch (IOException e) {
      throw new IndexException("Cannot delete the index " + path + ": " + e, e);
    }
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      // What is left is not the index: other files, a mount point, a folder of another owner's.
    }
  }

  /** As {@link #delete(Path)}, once this is closed. */
  void delete() {
    if (folder == null) {
      throw new IllegalStateException("a directory of the application's is not deleted");
    }
    delete(folder);
  }

  /** Tells why there is no commit to go back to any more, if that is so. */
  Optional<IndexException> missing() {
    try {
      String[] files = folder == null ? directory.listAll() : FSDirectory.listAll(folder);
      return SegmentInfos.getLastCommitGeneration(files) >= 0
          ? Optional.empty()
          : Optional.of(IndexProblems.gone(place, "a folder without it"));
    } catch (NoSuchFileException | NotDirectoryException e) {
      return Optional.of(IndexProblems.gone(place, "no folder"));
    } catch (IOException e) {
      return Optional.of(IndexProblems.unreadable(place, e));
    }
  }

  /** Refuses a disk on which hardly anything can be written, by writing a file for a moment. */
  void requireRoom() {
    String name = null;
    try (IndexOutput file = directory.createTempOutput("room", "probe", IOContext.DEFAULT)) {
      name = file.getName();
      byte[] block = new byte[1 << 13];
      for (int written = 0; written < PROBE_BYTES; written += block.length) {
        file.writeBytes(block, block.length);
      }
    } catch (IOException e) {
      throw writeFailure(e);
    } finally {
      if (name != null) {
        IOUtils.deleteFilesIgnoringExceptions(directory, name);
      }
    }
  }
}
