package io.luciole.lucene;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.SparseVector;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.apache.lucene.codecs.FilterCodec;
import org.apache.lucene.codecs.PostingsFormat;
import org.apache.lucene.codecs.perfield.PerFieldPostingsFormat;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.CheckIndex;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.ImpactsEnum;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.NoMergePolicy;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.SlowImpactsEnum;
import org.apache.lucene.index.Term;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** {@link BlockPostingsFormat} beside Lucene's own format, over the same documents. */
@Tag("lucene-10.4")
class BlockPostingsTest {
  private static final String FIELD = "sparse";

  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);

  /** Lucene's codec with our format for the sparse field. */
  static FilterCodec codec() {
    PerFieldPostingsFormat lucenes =
        (PerFieldPostingsFormat) org.apache.lucene.codecs.Codec.getDefault().postingsFormat();
    PostingsFormat blocks = new BlockPostingsFormat();
    return new FilterCodec(
        org.apache.lucene.codecs.Codec.getDefault().getName(),
        org.apache.lucene.codecs.Codec.getDefault()) {
      private final PostingsFormat byField =
          new PerFieldPostingsFormat() {
            @Override
            public PostingsFormat getPostingsFormatForField(String field) {
              return field.equals(FIELD) ? blocks : lucenes.getPostingsFormatForField(field);
            }
          };

      @Override
      public PostingsFormat postingsFormat() {
        return byField;
      }
    };
  }

  static IndexWriterConfig config(boolean blocks) {
    IndexWriterConfig config = new IndexWriterConfig();
    return blocks ? config.setCodec(codec()) : config;
  }

  /**
   * Documents whose tokens occur from once to in all of them, some of them only in a stretch, with
   * frequencies of one, two and four bytes.
   */
  private List<SparseVector> documents(int count) {
    List<SparseVector> all = new ArrayList<>(count);
    for (int d = 0; d < count; d++) {
      TreeMap<Integer, Float> tokens = new TreeMap<>();
      for (int t = 0; t < 30; t++) {
        if (random.nextDouble() < Math.pow(0.7, t)) {
          tokens.put(t, (1 + random.nextInt(90)) / 256f);
        }
      }
      if (d % 5000 > 3000 && random.nextInt(3) > 0) {
        tokens.put(40, (1 + random.nextInt(200)) / 256f);
      }
      if (random.nextInt(3) == 0) {
        tokens.put(41, (1 + random.nextInt(300)) / 256f);
      }
      if (random.nextInt(20) == 0) {
        tokens.put(42, random.nextInt(50) == 0 ? 300f : 0.1f);
      }
      tokens.put(100 + random.nextInt(3000), (1 + random.nextInt(90)) / 256f);
      tokens.put(10_000 + d, 0.25f);
      int[] ids = tokens.keySet().stream().mapToInt(i -> i).toArray();
      float[] weights = new float[ids.length];
      for (int i = 0; i < ids.length; i++) {
        weights[i] = requireNonNull(tokens.get(ids[i]));
      }
      all.add(SparseVector.of(ids, weights));
    }
    return all;
  }

  private static Directory index(
      List<SparseVector> documents, boolean blocks, int segment, boolean merge) throws IOException {
    Directory directory = new ByteBuffersDirectory();
    ImpactPostings postings = new ImpactPostings(256);
    try (IndexWriter writer =
        new IndexWriter(directory, config(blocks).setMergePolicy(NoMergePolicy.INSTANCE))) {
      for (int d = 0; d < documents.size(); d++) {
        Document document = new Document();
        postings.add(document, FIELD, documents.get(d));
        document.add(new StringField("id", Integer.toString(d), Field.Store.NO));
        writer.addDocument(document);
        if (d % segment == segment - 1) {
          writer.commit();
        }
      }
      for (int d = 0; d < documents.size(); d += 7) {
        writer.deleteDocuments(new Term("id", Integer.toString(d)));
      }
    }
    if (merge) {
      try (IndexWriter writer = new IndexWriter(directory, config(blocks))) {
        writer.forceMerge(1);
      }
    }
    return directory;
  }

  static void check(Directory directory) throws IOException {
    ByteArrayOutputStream told = new ByteArrayOutputStream();
    try (CheckIndex check = new CheckIndex(directory)) {
      check.setInfoStream(new PrintStream(told, true, StandardCharsets.UTF_8));
      check.setLevel(CheckIndex.Level.MIN_LEVEL_FOR_SLOW_CHECKS);
      assertThat(check.checkIndex().clean).as(told.toString(StandardCharsets.UTF_8)).isTrue();
    }
  }

  @Test
  void postings_areThoseOfLucenesFormat() throws IOException {
    List<SparseVector> documents = documents(9000);
    for (boolean merge : new boolean[] {false, true}) {
      try (Directory lucenes = index(documents, false, 2500, merge);
          Directory ours = index(documents, true, 2500, merge);
          DirectoryReader expected = DirectoryReader.open(lucenes);
          DirectoryReader found = DirectoryReader.open(ours)) {
        check(ours);
        assertThat(found.leaves()).hasSameSizeAs(expected.leaves());
        for (int s = 0; s < found.leaves().size(); s++) {
          compare(
              expected.leaves().get(s).reader().terms(FIELD),
              found.leaves().get(s).reader().terms(FIELD));
        }
      }
    }
  }

  private void compare(Terms expected, Terms found) throws IOException {
    assertThat(found.size()).isEqualTo(expected.size());
    TermsEnum theirs = expected.iterator();
    TermsEnum ours = found.iterator();
    PostingsEnum reused = null;
    while (theirs.next() != null) {
      assertThat(ours.next()).as("seed %d", seed).isEqualTo(theirs.term());
      assertThat(ours.docFreq()).isEqualTo(theirs.docFreq());
      assertThat(ours.totalTermFreq()).isEqualTo(theirs.totalTermFreq());
      reused = ours.postings(reused, PostingsEnum.FREQS);
      assertThat(reused).isInstanceOf(BlockPostings.class);
      same(theirs.postings(null, PostingsEnum.FREQS), reused, 1);
      same(theirs.postings(null, PostingsEnum.FREQS), ours.postings(null, PostingsEnum.FREQS), 9);
      same(
          theirs.postings(null, PostingsEnum.FREQS), ours.postings(null, PostingsEnum.FREQS), 3000);
      bounds(theirs.postings(null, PostingsEnum.FREQS), ours.impacts(PostingsEnum.FREQS));
    }
    assertThat(ours.next()).isNull();
  }

  /** The same postings where one goes ahead by random steps. */
  private void same(PostingsEnum expected, PostingsEnum found, int step) throws IOException {
    assertThat(found.docID()).isEqualTo(-1);
    for (int d = 0; d != DocIdSetIterator.NO_MORE_DOCS; ) {
      int target = d + random.nextInt(step);
      d = step == 1 ? expected.nextDoc() : expected.advance(target);
      int same = step == 1 ? found.nextDoc() : found.advance(target);
      assertThat(same).as("seed %d", seed).isEqualTo(d);
      if (d != DocIdSetIterator.NO_MORE_DOCS) {
        assertThat(found.freq()).as("seed %d, document %d", seed, d).isEqualTo(expected.freq());
        d++;
      }
    }
  }

  /** No frequency exceeds the impacts of its document, of any level. */
  private void bounds(PostingsEnum expected, ImpactsEnum impacts) throws IOException {
    assertThat(impacts).isNotInstanceOf(SlowImpactsEnum.class);
    for (int d = expected.nextDoc(); d != DocIdSetIterator.NO_MORE_DOCS; d = expected.nextDoc()) {
      if (random.nextInt(8) == 0) {
        impacts.advanceShallow(d);
        for (int level = 0; level < impacts.getImpacts().numLevels(); level++) {
          assertThat(impacts.getImpacts().getDocIdUpTo(level)).isGreaterThanOrEqualTo(d);
          assertThat(impacts.getImpacts().getImpacts(level).freqs[0])
              .as("seed %d", seed)
              .isGreaterThanOrEqualTo(expected.freq());
        }
        if (random.nextInt(8) == 0) {
          assertThat(impacts.advance(d)).isEqualTo(d);
          assertThat(impacts.freq()).isEqualTo(expected.freq());
        }
      }
    }
  }

  @Test
  void fieldWithoutFrequencies_isRefused() throws IOException {
    try (Directory directory = new ByteBuffersDirectory();
        IndexWriter writer = new IndexWriter(directory, config(true))) {
      Document document = new Document();
      document.add(new StringField(FIELD, "x", Field.Store.NO));
      writer.addDocument(document);
      assertThatThrownBy(writer::commit)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("DOCS_AND_FREQS")
          .hasMessageContaining("has DOCS");
      writer.rollback();
    }
  }
}
