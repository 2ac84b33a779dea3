package io.luciole.spark;

import io.luciole.lucene.ShardManifest;
import java.io.Closeable;
import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options.Rename;
import org.apache.hadoop.fs.Path;
import org.apache.lucene.index.IndexWriter;

/**
 * The folder on some file system that has the shards and their manifest. Has a connection of its
 * own to the file system, and writes no checksum files beside the shards'. Not for use by several
 * threads.
 */
final class ShardTarget implements Closeable {
  /** File systems on which a rename replaces a file in one step. Others put whole objects. */
  private static final Set<String> RENAMES = Set.of("file", "hdfs", "viewfs");

  private final Configuration hadoop;
  private final Path path;
  private final FileSystem files;

  private ShardTarget(Configuration hadoop, Path path, FileSystem files) {
    this.hadoop = hadoop;
    this.path = path;
    this.files = files;
  }

  static ShardTarget open(ShardPlan plan) throws IOException {
    Configuration hadoop = plan.hadoop().value();
    Path path = new Path(plan.path());
    URI uri = path.toUri();
    FileSystem files =
        FileSystem.newInstance(
            uri.getScheme() == null ? FileSystem.getDefaultUri(hadoop) : uri, hadoop);
    files.setWriteChecksum(false);
    return new ShardTarget(hadoop, files.makeQualified(path), files);
  }

  /** The content of the manifest; an empty text if there is none. */
  String manifest() throws IOException {
    try (FSDataInputStream in = files.open(new Path(path, ShardManifest.FILE))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (FileNotFoundException e) {
      return "";
    }
  }

  /**
   * Writes the manifest in one step: whoever reads sees the old one or the new one.
   *
   * @param before its content when the job began
   * @param content the new content
   * @throws IOException if another job has written meanwhile
   */
  void publish(String before, String content) throws IOException {
    if (!manifest().equals(before)) {
      throw new IOException(
          "another job has written to "
              + path
              + " meanwhile, and nothing of this one was added. Let one write at a time");
    }
    Path manifest = new Path(path, ShardManifest.FILE);
    if (!RENAMES.contains(files.getScheme())) {
      write(manifest, content);
      return;
    }
    Path next = new Path(path, ShardManifest.FILE + ".next");
    write(next, content);
    FileContext.getFileContext(files.getUri(), hadoop).rename(next, manifest, Rename.OVERWRITE);
  }

  private void write(Path file, String content) throws IOException {
    try (OutputStream out = files.create(file, true)) {
      out.write(content.getBytes(StandardCharsets.UTF_8));
    }
  }

  /**
   * Copies the files of a shard.
   *
   * @throws IOException if that fails; the message names the target
   */
  void copy(java.nio.file.Path shard, String name) throws IOException {
    Path to = new Path(path, name);
    try {
      copyFiles(shard, to);
    } catch (IOException | FSError e) {
      // The local file system throws errors where others throw exceptions.
      throw new IOException(
          "the shard could not be copied to "
              + to
              + ": "
              + e.getMessage()
              + ". Nothing of it was added to the index; a full target needs room for all shards",
          e);
    }
  }

  private void copyFiles(java.nio.file.Path shard, Path to) throws IOException {
    if (!files.mkdirs(to)) {
      throw new IOException("cannot make the folder " + to);
    }
    File[] all = shard.toFile().listFiles();
    if (all == null) {
      throw new IOException("cannot list the files of " + shard);
    }
    for (File file : all) {
      if (!file.getName().equals(IndexWriter.WRITE_LOCK_NAME)) {
        files.copyFromLocalFile(false, true, new Path(file.toURI()), new Path(to, file.getName()));
      }
    }
  }

  /** Deletes the shards of some names. */
  void delete(Predicate<String> which) throws IOException {
    List<Path> garbage = new ArrayList<>();
    try {
      for (FileStatus status : files.listStatus(path)) {
        if (status.isDirectory() && which.test(status.getPath().getName())) {
          garbage.add(status.getPath());
        }
      }
    } catch (FileNotFoundException e) {
      return;
    }
    for (Path each : garbage) {
      files.delete(each, true);
    }
  }

  @Override
  public void close() {
    try {
      files.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
