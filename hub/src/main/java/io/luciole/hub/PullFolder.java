package io.luciole.hub;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.AtomicFiles;
import io.luciole.model.ModelException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder of one model and what stands beside it while it is pulled:
 *
 * <pre>
 * ORG/NAME/        the model, complete; replaced as a whole, by renaming
 * ORG/.NAME.pull/  the next one: files that are checked, and FILE.part
 * ORG/.NAME.old/   the last one, for a moment
 * ORG/.NAME.lock   held by whoever changes the others
 * </pre>
 *
 * <p>No hub name starts with a dot, so that none of these is ever taken for a model.
 */
final class PullFolder {
  /** The end of the name of a file that is not complete. */
  static final String PART = ".part";

  private static final Logger log = LoggerFactory.getLogger(PullFolder.class);
  private static final int BUFFER = 1 << 20;

  private final Path above;
  private final Path folder;
  private final Path staging;
  private final Path old;
  private final Path lock;

  PullFolder(Path folder) {
    String name = folder.getFileName().toString();
    this.above = requireNonNull(folder.getParent());
    this.folder = folder;
    this.staging = folder.resolveSibling("." + name + ".pull");
    this.old = folder.resolveSibling("." + name + ".old");
    this.lock = folder.resolveSibling("." + name + ".lock");
  }

  Path lock() {
    return lock;
  }

  /** Where the next model is put together. */
  Path staging() {
    return staging;
  }

  /** Where a file of the next model belongs. */
  Path staged(RemoteFile file) {
    return staging.resolve(file.path());
  }

  /** Where a file of the next model is while it is incomplete. */
  Path part(RemoteFile file) {
    return staging.resolve(file.path() + PART);
  }

  /** Puts the last model back if a pull was stopped between the two renames. */
  void recover() {
    try {
      if (Files.isDirectory(old) && !Files.exists(folder)) {
        AtomicFiles.move(old, folder);
      }
      delete(old);
    } catch (IOException e) {
      throw cannotWrite(folder, e);
    }
  }

  /**
   * Makes the staging folder ready for a model: what an earlier pull left there stays as far as it
   * is of the same content.
   *
   * <p>The marker there speaks for the files there at all times: what it does not speak for is
   * deleted before it is written.
   */
  void stage(Marker wanted) {
    try {
      Files.createDirectories(staging);
      Marker before = Marker.read(staging);
      Set<Path> keep = new HashSet<>();
      keep.add(staging.resolve(Marker.FILE));
      for (RemoteFile file : wanted.files().values()) {
        if (before != null && file.equals(before.files().get(file.path()))) {
          keep.add(staged(file));
          keep.add(part(file));
        }
      }
      Files.walkFileTree(
          staging,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              if (!keep.contains(file)) {
                Files.delete(file);
              }
              return FileVisitResult.CONTINUE;
            }
          });
      wanted.write(staging);
    } catch (IOException e) {
      throw cannotWrite(staging, e);
    }
  }

  /** Whether a file of the next model is there and was checked. */
  boolean isStaged(RemoteFile file) {
    return sizeOf(staged(file)) == file.size();
  }

  /** How many bytes of a file of the next model are there. */
  long present(RemoteFile file) {
    return isStaged(file) ? file.size() : Math.clamp(sizeOf(part(file)), 0, file.size());
  }

  /**
   * Takes a file from elsewhere on this machine, by a link if the disk allows.
   *
   * @param source a file that has been checked
   */
  void take(RemoteFile file, Path source) {
    Path target = staged(file);
    try {
      Files.createDirectories(target.getParent());
      linkOrCopy(source.toRealPath(), target, part(file));
    } catch (IOException e) {
      throw cannotWrite(target, e);
    }
  }

  private static void linkOrCopy(Path source, Path target, Path part) throws IOException {
    try {
      Files.createLink(target, source);
    } catch (IOException | UnsupportedOperationException e) {
      Files.copy(source, part, StandardCopyOption.REPLACE_EXISTING);
      AtomicFiles.publish(part, target);
    }
  }

  /**
   * Puts the next model, which must be complete, in the place of the last one. Files that the last
   * one's folder holds beyond what was pulled into it are the user's own, and are kept.
   */
  void publish(Marker marker) {
    try {
      Marker before = Marker.read(folder);
      if (Files.isDirectory(folder)) {
        keepForeign(before, marker);
      }
      AtomicFiles.force(staging);
      if (Files.exists(folder)) {
        delete(old);
        AtomicFiles.move(folder, old);
      }
      AtomicFiles.move(staging, folder);
      AtomicFiles.force(above);
    } catch (IOException e) {
      try {
        recover();
      } catch (ModelException second) {
        e.addSuppressed(second);
      }
      throw cannotWrite(folder, e);
    }
    try {
      delete(old);
    } catch (IOException e) {
      log.warn("The model's last version stays at {}: {}", old, e.toString());
    }
  }

  private void keepForeign(@Nullable Marker before, Marker next) throws IOException {
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Path relative = folder.relativize(file);
            String path = relative.toString().replace('\\', '/');
            boolean pulled = before != null && before.files().containsKey(path);
            Path target = staging.resolve(relative);
            if (!pulled && !path.equals(Marker.FILE) && !next.files().containsKey(path)) {
              Files.createDirectories(target.getParent());
              Files.deleteIfExists(target);
              linkOrCopy(file, target, staging.resolve(path + PART));
            }
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /**
   * Fails if the disk has no room for this many bytes more.
   *
   * @throws ModelException if so
   */
  void requireSpace(long bytes, HubTuning tuning) {
    try {
      long free = tuning.space().of(staging);
      if (free < bytes) {
        throw new ModelException(
            String.format(
                "Expected %,d MB of free space for %s, found %,d MB. Make room, or set"
                    + " LUCIOLE_CACHE to a folder on another disk.",
                (bytes + 999_999) / 1_000_000, folder, free / 1_000_000));
      }
    } catch (IOException e) {
      log.debug("The free space of {} is not known", staging, e);
    }
  }

  /** Whether a file has these bytes; reads all of it. */
  static boolean matches(Path path, RemoteFile file) {
    ContentDigest digest = file.digest();
    if (digest == null || sizeOf(path) != file.size()) {
      return false;
    }
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      MessageDigest sum = digest.start(file.size());
      update(sum, channel);
      return ContentDigest.end(sum).equals(digest.hex());
    } catch (IOException e) {
      throw new ModelException("Cannot read " + path + ": " + e.getMessage(), e);
    }
  }

  /** Feeds a digest with all bytes of a file from the channel's position on. */
  static void update(MessageDigest sum, FileChannel channel) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
    while (channel.read(buffer) >= 0) {
      sum.update(buffer.flip());
      buffer.clear();
    }
  }

  /** The size of a regular file, or -1 if there is none. */
  static long sizeOf(Path file) {
    try {
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      return attributes.isRegularFile() ? attributes.size() : -1;
    } catch (IOException e) {
      return -1;
    }
  }

  /** Whether all files are beneath a folder, in the sizes that are wanted. */
  static boolean hasSizes(Path folder, Collection<RemoteFile> wanted) {
    return wanted.stream().allMatch(f -> sizeOf(folder.resolve(f.path())) == f.size());
  }

  private static void delete(Path tree) throws IOException {
    try {
      Files.walkFileTree(
          tree,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.delete(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException e)
                throws IOException {
              Files.delete(folder);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (NoSuchFileException e) {
      // Nothing to delete.
    }
  }

  static ModelException cannotWrite(Path file, IOException e) {
    return new ModelException(
        "Cannot write "
            + file
            + ": "
            + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage())
            + ". Is the disk full, or the folder another user's? LUCIOLE_CACHE names another"
            + " one.",
        e);
  }
}
