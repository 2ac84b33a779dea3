package io.luciole.model.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where the stored entries of a zip archive lie in its file, so that they can be mapped.
 *
 * <p>This is a parser of its own because {@code java.util.zip} and the zip file system give
 * streams, not offsets, and because every length here comes from a file that is not trusted. It
 * reads what PyTorch writes: entries stored without compression, Zip64 where the archive or an
 * entry passes 4 GiB or 65,535 entries. Layouts, little-endian (<a
 * href="https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT">APPNOTE 6.3</a>):
 *
 * <pre>
 * end record (22)         0 "PK\5\6"  10 entries:2  12 directory size:4  16 directory offset:4
 *                         20 comment length:2
 * Zip64 locator (20)      0 "PK\6\7"  8 offset of the Zip64 end record:8; lies before the end record
 * Zip64 end record (56)   0 "PK\6\6"  32 entries:8  40 directory size:8  48 directory offset:8
 * directory entry (46)    0 "PK\1\2"  8 flags:2  10 method:2  20 stored size:4  24 size:4
 *                         28 name length:2  30 extra length:2  32 comment length:2
 *                         42 offset of the local header:4, then name, extra, comment
 * Zip64 extra             0 id 1:2  2 length:2, then 8 bytes for each of size, stored size and
 *                         offset whose field above is 0xffffffff, in this order
 * local header (30)       0 "PK\3\4"  8 method:2  26 name length:2  28 extra length:2, then name,
 *                         extra, data
 * </pre>
 *
 * Checksums are not compared: PyTorch can be told to write none, and reading every byte to open a
 * file would defeat mapping it.
 */
final class ZipDirectory {
  private static final int END_SIGNATURE = 0x06054b50;
  private static final int END_BYTES = 22;
  private static final int LOCATOR_SIGNATURE = 0x07064b50;
  private static final int LOCATOR_BYTES = 20;
  private static final int END64_SIGNATURE = 0x06064b50;
  private static final int END64_BYTES = 56;
  private static final int ENTRY_SIGNATURE = 0x02014b50;
  private static final int ENTRY_BYTES = 46;
  private static final int LOCAL_SIGNATURE = 0x04034b50;
  private static final int LOCAL_BYTES = 30;
  private static final int LONGEST_COMMENT = 0xffff;
  private static final long IN_ZIP64 = 0xffffffffL;
  private static final int ENCRYPTED = 1;
  private static final String DIRECTORY = "the zip directory";

  /** Far more than any checkpoint has: 100 bytes an entry make 160,000 entries. */
  private static final long LARGEST_DIRECTORY = 16 << 20;

  private final WeightFile file;
  private final long directoryOffset;
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  /** An entry as the directory has it. */
  private record Entry(String name, int flags, int method, long stored, long size, long header) {}

  /** Where an entry's bytes lie in the file. */
  record Range(long offset, long length) {}

  private ZipDirectory(WeightFile file, long directoryOffset) {
    this.file = file;
    this.directoryOffset = directoryOffset;
  }

  static ZipDirectory read(WeightFile file) {
    int tailLength = (int) Math.min(file.size(), END_BYTES + LONGEST_COMMENT);
    long tailOffset = file.size() - tailLength;
    ByteBuffer tail = file.read(tailOffset, tailLength, "the end of the zip archive");
    int end = tailLength - END_BYTES;
    while (end >= 0
        && !(tail.getInt(end) == END_SIGNATURE
            && end + END_BYTES + unsignedShort(tail, end + 20) == tailLength)) {
      end--;
    }
    if (end < 0) {
      throw wrong(file, "a zip archive's end record", "none", "");
    }
    long count = unsignedShort(tail, end + 10);
    long size = unsignedInt(tail, end + 12);
    long offset = unsignedInt(tail, end + 16);
    long directoryLimit = tailOffset + end;

    long locatorOffset = tailOffset + end - LOCATOR_BYTES;
    if (locatorOffset >= 0) {
      ByteBuffer locator = file.read(locatorOffset, LOCATOR_BYTES, "the Zip64 locator");
      if (locator.getInt(0) == LOCATOR_SIGNATURE) {
        long end64Offset = locator.getLong(8);
        ByteBuffer end64 = file.read(end64Offset, END64_BYTES, "the Zip64 end record");
        if (end64.getInt(0) != END64_SIGNATURE) {
          throw wrong(file, "a Zip64 end record", "none", " at offset " + end64Offset);
        }
        count = end64.getLong(32);
        size = end64.getLong(40);
        offset = end64.getLong(48);
        directoryLimit = end64Offset;
      }
    }
    if (size < 0 || size > LARGEST_DIRECTORY || offset < 0 || offset > directoryLimit - size) {
      throw wrong(
          file,
          DIRECTORY + " of at most " + LARGEST_DIRECTORY + " bytes before offset " + directoryLimit,
          size + " bytes",
          " at offset " + offset);
    }
    ZipDirectory directory = new ZipDirectory(file, offset);
    directory.readEntries(file.read(offset, (int) size, DIRECTORY), count);
    return directory;
  }

  private void readEntries(ByteBuffer directory, long count) {
    while (directory.hasRemaining()) {
      int at = directory.position();
      if (directory.remaining() < ENTRY_BYTES || directory.getInt(at) != ENTRY_SIGNATURE) {
        throw wrong(file, "an entry in " + DIRECTORY, "none", " at byte " + at);
      }
      int nameLength = unsignedShort(directory, at + 28);
      int extraLength = unsignedShort(directory, at + 30);
      int length = ENTRY_BYTES + nameLength + extraLength + unsignedShort(directory, at + 32);
      if (length > directory.remaining()) {
        throw wrong(file, "an entry within " + DIRECTORY, length + " bytes", " at byte " + at);
      }
      byte[] nameBytes = new byte[nameLength];
      directory.get(at + ENTRY_BYTES, nameBytes);
      String name = new String(nameBytes, UTF_8);
      Entry entry = entry(directory, at, name, at + ENTRY_BYTES + nameLength, extraLength);
      if (entries.put(name, entry) != null) {
        throw wrong(file, "each entry once", CheckpointException.quote(name) + " twice", "");
      }
      directory.position(at + length);
    }
    if (entries.size() != count) {
      throw wrong(file, count + " entries in " + DIRECTORY, String.valueOf(entries.size()), "");
    }
  }

  private Entry entry(ByteBuffer directory, int at, String name, int extraAt, int extraLength) {
    long stored = unsignedInt(directory, at + 20);
    long size = unsignedInt(directory, at + 24);
    long header = unsignedInt(directory, at + 42);
    int extra = extraAt;
    int extraEnd = extraAt + extraLength;
    while (extraEnd - extra >= 4) {
      int id = unsignedShort(directory, extra);
      int fieldEnd = extra + 4 + unsignedShort(directory, extra + 2);
      if (fieldEnd > extraEnd) {
        throw wrong(file, "whole extra fields", "one cut short", " in " + quoted(name));
      }
      int field = extra + 4;
      if (id == 1) {
        int needed = 8 * (isIn64(size) + isIn64(stored) + isIn64(header));
        if (fieldEnd - field < needed) {
          throw wrong(file, needed + " bytes of Zip64 sizes", "fewer", " in " + quoted(name));
        }
        if (isIn64(size) == 1) {
          size = directory.getLong(field);
          field += 8;
        }
        if (isIn64(stored) == 1) {
          stored = directory.getLong(field);
          field += 8;
        }
        if (isIn64(header) == 1) {
          header = directory.getLong(field);
        }
      }
      extra = fieldEnd;
    }
    return new Entry(
        name,
        unsignedShort(directory, at + 8),
        unsignedShort(directory, at + 10),
        stored,
        size,
        header);
  }

  Set<String> names() {
    return entries.keySet();
  }

  /** Finds an entry's bytes in the file, or null where there is no such entry. */
  @Nullable Range find(String name) {
    Entry entry = entries.get(name);
    if (entry == null) {
      return null;
    }
    if (entry.method != 0 || (entry.flags & ENCRYPTED) != 0 || entry.stored != entry.size) {
      throw CheckpointException.of(
          "zip entry " + quoted(name) + " stored as it is, so that it can be mapped",
          (entry.flags & ENCRYPTED) != 0
              ? "an encrypted one"
              : "compression method "
                  + entry.method
                  + ", "
                  + entry.stored
                  + " of "
                  + entry.size
                  + " bytes",
          file.path(),
          "load it with torch.load and write it again with torch.save, or as safetensors");
    }
    String what = "the header of zip entry " + quoted(name);
    ByteBuffer header = file.read(entry.header, LOCAL_BYTES, what);
    int nameLength = unsignedShort(header, 26);
    if (header.getInt(0) != LOCAL_SIGNATURE
        || unsignedShort(header, 8) != entry.method
        || !new String(file.read(entry.header + LOCAL_BYTES, nameLength, what).array(), UTF_8)
            .equals(name)) {
      throw wrong(file, what, "something else", " at offset " + entry.header);
    }
    long offset = entry.header + LOCAL_BYTES + nameLength + unsignedShort(header, 28);
    if (entry.size < 0 || offset > directoryOffset || entry.size > directoryOffset - offset) {
      throw wrong(
          file,
          "zip entry " + quoted(name) + " to end before " + DIRECTORY + " at " + directoryOffset,
          entry.size + " bytes",
          " at offset " + offset);
    }
    return new Range(offset, entry.size);
  }

  private static String quoted(String name) {
    return CheckpointException.quote(name);
  }

  private static int isIn64(long field) {
    return field == IN_ZIP64 ? 1 : 0;
  }

  private static int unsignedShort(ByteBuffer buffer, int at) {
    return Short.toUnsignedInt(buffer.getShort(at));
  }

  private static long unsignedInt(ByteBuffer buffer, int at) {
    return Integer.toUnsignedLong(buffer.getInt(at));
  }

  private static CheckpointException wrong(
      WeightFile file, String expected, String found, String where) {
    return CheckpointException.of(
        expected, found + where, file.path(), CheckpointException.DAMAGED);
  }
}
