package io.luciole.cache;

import io.luciole.Embedding;
import io.luciole.EmbeddingCache;
import io.luciole.LucioleException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.MVStoreException;
import org.h2.mvstore.WriteBuffer;
import org.h2.mvstore.type.BasicDataType;
import org.h2.mvstore.type.ByteArrayDataType;

/**
 * Keeps embeddings in one file, so that indexing a corpus again computes only what changed. The
 * file is a map of H2's MVStore from the 32 bytes of a key to the bytes of an embedding. Entries
 * are never evicted; to start over, delete the file.
 *
 * <p>Writes reach the disk within a second, and at {@link #close}. After a crash the file has the
 * state of a moment shortly before the crash. A damaged entry counts as a miss. Only one process at
 * a time can have the file open. Safe for use by many threads, also by interrupted ones; do not
 * interrupt a thread while it is in here, which closes the file.
 */
public final class DiskCache implements EmbeddingCache, AutoCloseable {
  private static final String MAP = "embeddings";

  /** How many maps of another program a message names. */
  private static final int NAMED = 3;

  private final MVStore store;
  private final MVMap<byte[], byte[]> entries;

  private DiskCache(MVStore store) {
    this.store = store;
    this.entries =
        store.openMap(
            MAP,
            new MVMap.Builder<byte[], byte[]>()
                .keyType(DigestType.INSTANCE)
                .valueType(ByteArrayDataType.INSTANCE));
  }

  /**
   * Opens a cache file, or creates it together with its folder.
   *
   * @param file the path of the cache file
   * @return the open cache; the caller closes it
   * @throws LucioleException if another process has the file open, if it is another program's, or
   *     if it cannot be read or created
   */
  public static DiskCache open(Path file) {
    Path absolute = file.toAbsolutePath();
    return uninterrupted(() -> opened(absolute));
  }

  /**
   * Does something with the store while no interrupt is pending, which would close the file for all
   * threads at the next read or write. The interrupt is pending again afterwards.
   */
  private static <T> T uninterrupted(Supplier<T> action) {
    boolean interrupted = Thread.interrupted();
    try {
      return action.get();
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static DiskCache opened(Path absolute) {
    try {
      Path folder = absolute.getParent();
      if (folder != null) {
        Files.createDirectories(folder);
      }
      MVStore store = new MVStore.Builder().fileName(absolute.toString()).cacheSize(16).open();
      try {
        requireNoOthers(store, absolute);
        return new DiskCache(store);
      } catch (MVStoreException | LucioleException e) {
        store.closeImmediately();
        throw e;
      }
    } catch (MVStoreException e) {
      throw new LucioleException(
          "Cannot open the cache of embeddings "
              + absolute
              + ": "
              + e.getMessage()
              + ". If another process has it open, or a cache that this one did not close, close"
              + " that. If it is a damaged cache, delete it: a cache holds nothing that cannot be"
              + " computed again. If it is another file, leave it and name another one for the"
              + " cache.",
          e);
    } catch (IOException e) {
      throw new LucioleException(
          "Cannot make the folder of the cache of embeddings " + absolute + ": " + e, e);
    }
  }

  /** A database of H2, such as an application's own, is a file of the same format. */
  private static void requireNoOthers(MVStore store, Path file) {
    Set<String> others = new TreeSet<>(store.getMapNames());
    others.remove(MAP);
    if (!others.isEmpty()) {
      throw new LucioleException(
          "Expected a cache of embeddings, or no file, at "
              + file
              + ", found a store of another program, with "
              + others.stream().limit(NAMED).toList()
              + ". Leave it and name another file for the cache.");
    }
  }

  @Override
  public Optional<Embedding> get(Key key) {
    byte[] value = uninterrupted(() -> entries.get(key.digest()));
    return Optional.ofNullable(value == null ? null : EmbeddingCodec.decode(value));
  }

  @Override
  public void put(Key key, Embedding embedding) {
    byte[] value = EmbeddingCodec.encode(embedding);
    byte[] unused = uninterrupted(() -> entries.put(key.digest(), value));
  }

  /** {@return the number of embeddings in the file} */
  public long size() {
    return uninterrupted(entries::sizeAsLong);
  }

  /** Writes all pending entries and closes the file. Closing it again does nothing. */
  @Override
  public void close() {
    boolean unused =
        uninterrupted(() -> {
          store.close();
          return true;
        });
  }

  /** Keys of exactly 32 bytes, compared as unsigned bytes. */
  private static final class DigestType extends BasicDataType<byte[]> {
    private static final DigestType INSTANCE = new DigestType();
    private static final int LENGTH = 32;
    private static final int MEMORY = 64;

    @Override
    public int compare(byte[] a, byte[] b) {
      return Arrays.compareUnsigned(a, b);
    }

    @Override
    public int getMemory(byte[] digest) {
      return MEMORY;
    }

    @Override
    public void write(WriteBuffer buffer, byte[] digest) {
      buffer.put(digest);
    }

    @Override
    public byte[] read(ByteBuffer buffer) {
      byte[] digest = new byte[LENGTH];
      buffer.get(digest);
      return digest;
    }

    @Override
    public byte[][] createStorage(int size) {
      return new byte[size][];
    }
  }
}
