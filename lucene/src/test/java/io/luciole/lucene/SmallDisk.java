package io.luciole.lucene;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.FilterDirectory;
import org.apache.lucene.store.FilterIndexOutput;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexOutput;

/** A disk with room for some bytes, which a test may change. */
final class SmallDisk extends FilterDirectory {
  private final AtomicLong room;

  SmallDisk(FSDirectory directory, AtomicLong room) {
    super(directory);
    this.room = room;
  }

  @Override
  public IndexOutput createOutput(String name, IOContext context) throws IOException {
    return limited(super.createOutput(name, context));
  }

  @Override
  public IndexOutput createTempOutput(String prefix, String suffix, IOContext context)
      throws IOException {
    return limited(super.createTempOutput(prefix, suffix, context));
  }

  private IndexOutput limited(IndexOutput output) {
    return new FilterIndexOutput("limited " + output, output.getName(), output) {
      @Override
      public void writeByte(byte b) throws IOException {
        take(1);
        super.writeByte(b);
      }

      @Override
      public void writeBytes(byte[] b, int offset, int length) throws IOException {
        take(length);
        super.writeBytes(b, offset, length);
      }

      private void take(int bytes) throws IOException {
        if (room.addAndGet(-bytes) < 0) {
          throw new IOException("No space left on device");
        }
      }
    };
  }
}
