package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.util.Map;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The mark of a commit that an application's own writer makes, without an engine. */
@Tag("lucene-10.0")
class CommitMarkTest {
  private static final ModelFingerprint MODEL =
      new ModelFingerprint("m", 24, "0a".repeat(32), "0b".repeat(32), "fp32");
  private static final HybridSchema SCHEMA =
      HybridSchema.builder(24, true)
          .sparseScale(512)
          .multiVectors(MultiVectorForm.INT8, 16)
          .metadata("year", MetadataType.LONG)
          .build();

  private static void write(Directory directory, Map<String, String> userData) throws IOException {
    try (IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig())) {
      writer.addDocument(new Document());
      writer.setLiveCommitData(userData.entrySet());
      writer.commit();
    }
  }

  @Test
  void mark_ofAnOwnWriter_isReadBack() throws IOException {
    try (Directory directory = new ByteBuffersDirectory()) {
      Map<String, String> data = CommitMark.userData(SCHEMA, MODEL);
      data.put("mine", "1");
      write(directory, data);
      try (DirectoryReader reader = DirectoryReader.open(directory)) {
        assertThat(CommitMark.of(reader)).contains(new CommitMark(SCHEMA, MODEL, ""));
        assertThat(reader.getIndexCommit().getUserData()).containsEntry("mine", "1");
      }
    }
  }

  @Test
  void mark_thatIsNotThere_isEmpty() throws IOException {
    try (Directory directory = new ByteBuffersDirectory()) {
      write(directory, Map.of("mine", "1"));
      try (DirectoryReader reader = DirectoryReader.open(directory)) {
        assertThat(CommitMark.of(reader)).isEmpty();
      }
    }
  }

  @Test
  void mark_ofANewerLayoutOrDamaged_isRefused() {
    Map<String, String> newer = CommitMark.userData(SCHEMA, MODEL);
    newer.put("luciole.version", "3");
    assertThatThrownBy(() -> CommitMark.of(newer))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("layout version 3");
    Map<String, String> damaged = CommitMark.userData(SCHEMA, MODEL);
    damaged.remove("luciole.model");
    assertThatThrownBy(() -> CommitMark.of(damaged))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("damaged");
  }

  @Test
  void schema_withoutEngine_hasWhatIsGiven() {
    assertThat(SCHEMA.dense().orElseThrow().dimension()).isEqualTo(24);
    assertThat(SCHEMA.multiVectors().orElseThrow().dimension()).isEqualTo(16);
    assertThat(HybridSchema.builder(8, false).sparse(false).build().legs())
        .containsExactly(Leg.DENSE, Leg.BM25);
    assertThatThrownBy(
            () -> HybridSchema.builder(8, true).multiVectors(MultiVectorForm.INT8).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("multiVectors(form, dimension)");
  }

  @Test
  void modelUnderOtherSettings_isRefusedWithEachInWords() {
    ModelFingerprint made = MODEL.withVectors("mean;normalize;prompt:0a");
    CommitMark mark = new CommitMark(SCHEMA, made, "");
    ModelFingerprint engine =
        new ModelFingerprint(
            "m", 12, "0a".repeat(32), "0b".repeat(32), "cls;dense:12;first:12;lower", "fp32");

    mark.requireModel("ix", made);
    assertThatThrownBy(() -> mark.requireModel("ix", engine))
        .isInstanceOf(IndexMismatchException.class)
        .hasMessageContaining("dimensions: 24 instead of 12 (--dimensions, luciole.dimensions)")
        .hasMessageContaining("pooling: mean instead of cls (--pooling, luciole.pooling)")
        .hasMessageContaining("the modules behind the pooling")
        .hasMessageContaining("vectors of length 1 instead of vectors as they are (--normalize")
        .hasMessageContaining("texts as they are (do_lower_case")
        .hasMessageContaining(
            "a prompt for passages instead of none (--prompt, luciole.passage-prompt)")
        .hasMessageContaining("Set that as the index has it")
        .hasMessageNotContaining(";normalize")
        .hasMessageNotContaining("Use the index's model");
    assertThatThrownBy(() -> mark.requireAlike("a", "b", new CommitMark(SCHEMA, engine, "")))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("pooling: mean instead of cls");
    assertThatThrownBy(() -> mark.requireModel("ix", made.withVectors("mean;normalize;prompt:0b")))
        .hasMessageContaining("makes them: another prompt for passages (--prompt");
    assertThatThrownBy(() -> mark.requireModel("ix", made.withVectors("cls;normalize;prompt:0a")))
        .hasMessageContaining(
            "makes them: pooling: mean instead of cls (--pooling, luciole.pooling).");
  }

  @Test
  void otherSchema_isRefusedWithTheDifferenceAlone() {
    HybridSchema other =
        HybridSchema.builder(24, true)
            .sparseScale(512)
            .multiVectors(MultiVectorForm.INT8, 16)
            .build();
    CommitMark mark = new CommitMark(SCHEMA, MODEL, "");

    assertThatThrownBy(() -> mark.requireAlike("a", "b", new CommitMark(other, MODEL, "")))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("The index a has the schema of the index b except for")
        .hasMessageContaining("except for metadata.year: \"long\" instead of none.");
  }

  @Test
  void passagesOfAnotherPrompt_areSearchedButNotWritten() {
    CommitMark mark = new CommitMark(SCHEMA, MODEL.withVectors("mean;prompt:00ff"), "");
    ModelFingerprint engine = MODEL.withVectors("mean");

    mark.requireModelOfQueries("ix", engine);
    assertThatThrownBy(() -> mark.requireModel("ix", engine)).isInstanceOf(IndexException.class);
    assertThatThrownBy(() -> mark.requireModelOfQueries("ix", MODEL.withVectors("cls")))
        .isInstanceOf(IndexException.class);
  }

  /** Its commit is from before pooling was noted. */
  @Test
  void indexThatDoesNotKnow_opensAndLearnsFromWhatIsWritten() {
    ModelFingerprint engine = MODEL.withVectors("cls;normalize");
    ModelStamp stamp = new ModelStamp(engine, MODEL);

    new CommitMark(SCHEMA, MODEL, "").requireModel("ix", engine);
    assertThat(stamp.get()).isEqualTo(MODEL);
    stamp.wrote();
    assertThat(stamp.get()).isEqualTo(engine);
  }
}
