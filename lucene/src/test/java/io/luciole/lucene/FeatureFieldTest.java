package io.luciole.lucene;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.luciole.SparseVector;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.document.FeatureField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.store.FSDirectory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An index with {@link SparseForm#FEATURES} as a program that knows Lucene alone searches it. */
@Tag("lucene-10.4")
class FeatureFieldTest {
  private static final long SEED = 20_261_129;

  @TempDir Path folder;

  /** The weight that a {@link FeatureField} keeps of a weight: 9 significant bits, rounded. */
  private static double kept(float weight) {
    double step = Math.ulp(weight) * (1 << 15);
    return Math.floor(weight / step + 0.5) * step;
  }

  @Test
  void linearQueries_findWhatTheSparseLegFinds_withItsScores() throws Exception {
    Path index = folder.resolve("index");
    try (SearchFixture f =
            new SearchFixture(
                index, SEED, b -> b.sparseForm(SparseForm.FEATURES).exactSparse(false).build());
        FSDirectory directory = FSDirectory.open(index);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      IndexSearcher plain = new IndexSearcher(reader);
      int found = 0;
      for (int q = 0; q < 50; q++) {
        String text = f.texts.text(1 + q % 20);
        SparseVector query = f.query(text).sparse();
        BooleanQuery.Builder tokens = new BooleanQuery.Builder();
        for (int i = 0; i < query.size(); i++) {
          tokens.add(
              FeatureField.newLinearQuery("sparse", Integer.toString(query.id(i)), query.weight(i)),
              Occur.SHOULD);
        }
        TopDocs top = plain.search(tokens.build(), 1000);
        List<ScoredId> leg =
            f.searcher.search(HybridQuery.of(text).legs(Leg.SPARSE).depth(1000)).leg(Leg.SPARSE);
        Map<String, Double> byLeg = new HashMap<>();
        leg.forEach(hit -> byLeg.put(hit.id(), hit.score()));
        List<String> ids = new ArrayList<>();
        for (ScoreDoc hit : top.scoreDocs) {
          String id = id(reader, hit.doc);
          ids.add(id);
          SparseVector document = requireNonNull(f.embeddings.get(id)).sparse();
          double expected = 0;
          for (int i = 0; i < query.size(); i++) {
            expected += query.weight(i) * kept(document.weightOf(query.id(i)));
          }
          assertThat((double) hit.score)
              .as("seed %d, %s, %s", SEED, text, id)
              .isCloseTo(expected, within(1e-5))
              .isCloseTo(byLeg.getOrDefault(id, Double.NaN), within(1e-5));
        }
        assertThat(ids).as("seed %d, %s", SEED, text).hasSameElementsAs(byLeg.keySet());
        found += ids.size();
      }
      assertThat(found).isGreaterThan(1000);
    }
  }

  private static String id(DirectoryReader reader, int doc) throws Exception {
    var leaf = SegmentCursor.leafOf(reader, doc);
    var ids = leaf.reader().getBinaryDocValues("id");
    assertThat(ids.advanceExact(doc - leaf.docBase)).isTrue();
    return ids.binaryValue().utf8ToString();
  }
}
