package io.luciole.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/**
 * The corpus of the demonstration, copied from the jar into a folder with room for its index. Only
 * one process may use the folder at a time.
 *
 * <pre>
 * FOLDER/corpus.jsonl, queries.jsonl, qrels.tsv
 * FOLDER/index/
 * FOLDER/lock      held while the demonstration runs
 * </pre>
 */
final class DemoCorpus implements AutoCloseable {
  private final Path folder;
  private final FileChannel lock;

  private DemoCorpus(Path folder, FileChannel lock) {
    this.folder = folder;
    this.lock = lock;
  }

  /**
   * Copies the corpus and removes an index that an earlier demonstration left.
   *
   * @throws CliException if the folder cannot be used, or another process uses it
   */
  static DemoCorpus unpack(Path folder) {
    FileChannel lock = null;
    try {
      Files.createDirectories(folder);
      lock =
          FileChannel.open(
              folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (!isFree(lock)) {
        throw new CliException("Another demonstration is running in " + folder);
      }
      DemoCorpus corpus = new DemoCorpus(folder, lock);
      for (String name : new String[] {"corpus.jsonl", "queries.jsonl", "qrels.tsv"}) {
        copy(name, folder.resolve(name));
      }
      delete(corpus.index());
      return corpus;
    } catch (IOException | RuntimeException e) {
      close(lock);
      if (e instanceof RuntimeException failure) {
        throw failure;
      }
      throw new CliException(
          "Cannot prepare the demonstration in "
              + folder
              + ": "
              + Failures.message(e)
              + ". Another folder can be named in LUCIOLE_CACHE",
          e);
    }
  }

  private static boolean isFree(FileChannel file) throws IOException {
    try {
      FileLock held = file.tryLock();
      return held != null;
    } catch (OverlappingFileLockException e) {
      return false;
    }
  }

  private static void copy(String name, Path to) throws IOException {
    try (InputStream in = DemoCorpus.class.getResourceAsStream("demo/" + name)) {
      if (in == null) {
        throw new IllegalStateException("the build left out the demonstration's " + name);
      }
      Files.copy(in, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException e)
              throws IOException {
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /** The documents, in BEIR's layout. */
  Path corpus() {
    return folder.resolve("corpus.jsonl");
  }

  /** The queries with known answers. */
  Path queries() {
    return folder.resolve("queries.jsonl");
  }

  /** The relevance judgements. */
  Path qrels() {
    return folder.resolve("qrels.tsv");
  }

  /** The index's folder, which does not exist yet. */
  Path index() {
    return folder.resolve("index");
  }

  /** Releases the folder for other processes. The files stay. */
  @Override
  public void close() {
    close(lock);
  }

  private static void close(@Nullable FileChannel lock) {
    try {
      if (lock != null) {
        lock.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
