package io.luciole.cli.embed;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A file that says how far a job is: a JSON object a line, the first with the settings, by their
 * names for people, each further one a {@link Checkpoint}. The last whole line counts. Whoever
 * opens it has the {@link OutputLock} of its folder. For one thread.
 */
final class Journal implements Closeable {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The first line. */
  record Head(int layout, Map<String, String> settings) {
    static final int LAYOUT = 2;
  }

  private final FileChannel channel;

  /** The settings of the work that is there; null if there is none. */
  private @Nullable Map<String, String> settings;

  private Checkpoint last = Checkpoint.START;

  /**
   * Opens a journal, or makes an empty one.
   *
   * @throws IOException if it cannot be read or written, or is of an unknown layout
   */
  Journal(Path file) throws IOException {
    channel = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
    try {
      channel.truncate(read(file));
      channel.position(channel.size());
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** Reads the whole lines and gives their length in bytes. */
  private int read(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int whole = 0;
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == '\n') {
        if (!take(file, Arrays.copyOfRange(bytes, whole, i))) {
          return whole;
        }
        whole = i + 1;
      }
    }
    return whole;
  }

  private boolean take(Path file, byte[] line) throws IOException {
    try {
      if (settings == null) {
        Head head = JSON.readValue(line, Head.class);
        if (head.layout != Head.LAYOUT) {
          throw new IOException(
              file
                  + ": expected the layout "
                  + Head.LAYOUT
                  + " of such files, found "
                  + head.layout
                  + ", of another version of Luciole; begin again with --restart");
        }
        settings = Map.copyOf(head.settings);
      } else {
        last = JSON.readValue(line, Checkpoint.class);
      }
      return true;
    } catch (JsonProcessingException e) {
      return false;
    }
  }

  /** The settings of the work that is there, or null if there is none. */
  @Nullable Map<String, String> settings() {
    return settings;
  }

  /** The last checkpoint. */
  Checkpoint last() {
    return last;
  }

  /** Begins anew. */
  void begin(Map<String, String> newSettings) throws IOException {
    channel.truncate(0);
    settings = Map.copyOf(newSettings);
    last = Checkpoint.START;
    append(new Head(Head.LAYOUT, newSettings));
  }

  /** Adds a checkpoint, which counts once this method has returned. */
  void add(Checkpoint checkpoint) throws IOException {
    append(checkpoint);
    last = checkpoint;
  }

  private void append(Object line) throws IOException {
    byte[] bytes = (JSON.writeValueAsString(line) + '\n').getBytes(StandardCharsets.UTF_8);
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    channel.force(false);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
