package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BeirReaderTest {
  @TempDir Path folder;

  private Path file(String content) throws IOException {
    return Files.writeString(folder.resolve("file"), content);
  }

  private static List<SourceDocument> all(DocumentSource source) {
    List<SourceDocument> documents = new ArrayList<>();
    source.forEachRemaining(documents::add);
    source.close();
    return documents;
  }

  @Test
  void corpus_withMetadata_keepsItInOrder() throws IOException {
    Path file =
        file(
            """
            {"_id": "d1", "year": 1999, "title": "T", "text": "x", "tags": ["a", "b"], "by": "me"}

            {"text": "", "_id": 7}
            """);

    List<SourceDocument> documents = all(BeirReader.corpus(file));

    assertThat(documents).hasSize(2);
    assertThat(documents.get(0).id()).isEqualTo("d1");
    assertThat(documents.get(0).content()).isEqualTo("T x");
    assertThat(documents.get(0).metadata().toString())
        .isEqualTo("{\"year\":1999,\"tags\":[\"a\",\"b\"],\"by\":\"me\"}");
    assertThat(documents.get(1)).isEqualTo(SourceDocument.of("7", "", ""));
  }

  @Test
  void corpus_withByteOrderMarkAndNoLastNewline_isRead() throws IOException {
    assertThat(
            all(
                BeirReader.corpus(
                    file(
                        "\uFEFF{\"_id\":\"a\",\"text\":\"t\"}\r\n{\"_id\":\"b\",\"text\":\"é\"}"))))
        .extracting(SourceDocument::text)
        .containsExactly("t", "é");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      textBlock =
          """
          {"_id":"a"}|expected "text", found none
          {"text":"a"}|expected "_id", found none
          {"_id":"","text":"a"}|found an empty one
          {"_id":"a","text":5}|expected a string as "text", found 5
          {"_id":["a"],"text":"x"}|expected a string as "_id", found an array
          {"_id":"a","text":"x","title":{}}|expected a string as "title", found an empty object
          {"_id":"a","text":"x"|malformed JSON
          {"_id":"a","text":"x"} {}|malformed JSON
          {"_id":"a","text":"x","k":1,"k":2}|Duplicate field 'k'
          [1]|expected a JSON object, found an array
          hello|malformed JSON
          """)
  void corpus_withBadLine_namesFileAndLineAndGoesOn(String line, String problem)
      throws IOException {
    Path file =
        file("{\"_id\":\"1\",\"text\":\"x\"}\n" + line + "\n{\"_id\":\"3\",\"text\":\"x\"}\n");
    try (DocumentSource source = BeirReader.corpus(file)) {
      assertThat(source.next().id()).isEqualTo("1");
      assertThat(source.hasNext()).isTrue();
      assertThatThrownBy(source::next)
          .isInstanceOf(SourceException.class)
          .hasMessageContaining(file + ", line 2: ")
          .hasMessageContaining(problem)
          .matches(e -> ((SourceException) e).canContinue());
      assertThat(source.next().id()).isEqualTo("3");
      assertThat(source.hasNext()).isFalse();
    }
  }

  @Test
  void corpus_withInvalidUtf8_namesFileAndLineAndGoesOn() throws IOException {
    byte[] bytes =
        "{\"_id\":\"1\",\"text\":\"ab\"}\n{\"_id\":\"2\",\"text\":\"x\"}"
            .getBytes(StandardCharsets.UTF_8);
    bytes[18] = (byte) 0xFF;
    Path file = Files.write(folder.resolve("file"), bytes);
    try (DocumentSource source = BeirReader.corpus(file)) {
      assertThatThrownBy(source::next)
          .isInstanceOf(SourceException.class)
          .hasMessageContaining(file + ", line 1: expected UTF-8");
      assertThat(source.next().id()).isEqualTo("2");
    }
  }

  @Test
  void corpus_withALineOfOver64MiB_namesItAndGoesOn() throws IOException {
    Path file = folder.resolve("huge.jsonl");
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.write("{\"_id\":\"1\",\"text\":\"a\"}\n".getBytes(StandardCharsets.UTF_8));
      sparse.seek(200 << 20);
      sparse.write("\n{\"_id\":\"3\",\"text\":\"c\"}".getBytes(StandardCharsets.UTF_8));
    }
    try (DocumentSource source = BeirReader.corpus(file)) {
      assertThat(source.next().id()).isEqualTo("1");
      assertThatThrownBy(source::next)
          .isInstanceOf(SourceException.class)
          .hasMessage(
              file
                  + ", line 2: expected a line of at most 64 MiB, found a longer one; is this JSON"
                  + " lines?")
          .matches(e -> ((SourceException) e).canContinue());
      assertThat(source.next().id()).isEqualTo("3");
      assertThat(source.fractionRead()).isEqualTo(1);
      assertThat(source.hasNext()).isFalse();
    }
  }

  @Test
  void corpus_thatIsEmptyOrMissing_isRefused() throws IOException {
    Path empty = file(" \n\n");
    assertThatThrownBy(() -> BeirReader.corpus(empty))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("found none");
    assertThatThrownBy(() -> BeirReader.corpus(folder.resolve("no")))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("There is no such file");
    assertThatThrownBy(() -> BeirReader.corpus(folder))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("found the folder");
  }

  @Test
  void folder_readsTextFilesInOrderOfPath() throws IOException {
    Files.createDirectories(folder.resolve("b/c"));
    Files.writeString(folder.resolve("b/c/two.MD"), "zwei");
    Files.writeString(folder.resolve("a.txt"), "eins");
    Files.writeString(folder.resolve("b/skip.pdf"), "no");
    Files.write(folder.resolve("b/bad.txt"), new byte[] {(byte) 0xC3, 0x28});

    try (DocumentSource source = FolderReader.open(folder)) {
      assertThat(source.next()).isEqualTo(SourceDocument.of("a.txt", "", "eins"));
      assertThatThrownBy(source::next)
          .isInstanceOf(SourceException.class)
          .hasMessageContaining("bad.txt")
          .hasMessageContaining("UTF-8");
      assertThat(source.next()).isEqualTo(SourceDocument.of("b/c/two.MD", "", "zwei"));
      assertThat(source.hasNext()).isFalse();
      assertThat(source.fractionRead()).isEqualTo(1);
    }
  }

  @Test
  void folder_withoutTextFiles_isRefused() {
    assertThatThrownBy(() -> FolderReader.open(folder))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("found none");
  }
}
