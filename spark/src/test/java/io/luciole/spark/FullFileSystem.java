package io.luciole.spark;

import java.io.IOException;
import java.net.URI;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/** The local file system under another name, which is full for the shards of one partition. */
public final class FullFileSystem extends RawLocalFileSystem {
  static final String SCHEME = "full";
  static final String PARTITION = "part-00001-";

  /** How many more files of that partition fail. */
  static final AtomicInteger FAILURES = new AtomicInteger();

  @Override
  public URI getUri() {
    return URI.create(SCHEME + ":///");
  }

  @Override
  public String getScheme() {
    return SCHEME;
  }

  @Override
  public void initialize(URI uri, Configuration conf) throws IOException {
    super.initialize(getUri(), conf);
  }

  @Override
  public FSDataOutputStream create(
      Path file,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    requireRoom(file);
    return super.create(file, overwrite, bufferSize, replication, blockSize, progress);
  }

  private static void requireRoom(Path file) throws IOException {
    if (file.toString().contains(PARTITION) && FAILURES.getAndDecrement() > 0) {
      throw new IOException("No space left on device");
    }
  }

  @Override
  public FSDataOutputStream create(
      Path file,
      FsPermission permission,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    requireRoom(file);
    return super.create(file, permission, overwrite, bufferSize, replication, blockSize, progress);
  }
}
