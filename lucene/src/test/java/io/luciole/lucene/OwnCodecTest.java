package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Embedding;
import io.luciole.Output;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.lucene.codecs.KnnVectorsFormat;
import org.apache.lucene.codecs.lucene104.Lucene104Codec;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.apache.lucene.util.VectorUtil;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The format of dense vectors in an application's codec. */
@Tag("lucene-10.5")
class OwnCodecTest {
  private static final int DIMENSION = 1100;

  private static final class OwnCodec extends Lucene104Codec {
    private final VectorFields fields;
    private final KnnVectorsFormat dense;

    OwnCodec(VectorFields fields) {
      super(Mode.BEST_COMPRESSION);
      this.fields = fields;
      this.dense = fields.denseFormat();
    }

    @Override
    public KnnVectorsFormat getKnnVectorsFormatForField(String field) {
      return field.equals(fields.denseField()) ? dense : super.getKnnVectorsFormatForField(field);
    }
  }

  private static float[] random(Random random) {
    float[] vector = new float[DIMENSION];
    for (int d = 0; d < DIMENSION; d++) {
      vector[d] = (float) random.nextGaussian();
    }
    return VectorUtil.l2normalize(vector);
  }

  @Test
  void longQuantizedVectors_areWrittenByAnOwnCodec_andScoredExactly() throws IOException {
    VectorFields.Builder how =
        VectorFields.builder(DIMENSION, true).sparse(false).name(Output.DENSE, "meaning");
    VectorFields fields = how.quantization(DenseQuantization.BITS_4).build();
    Random random = new Random(11);
    List<float[]> vectors = new ArrayList<>();
    IndexWriterConfig config = new IndexWriterConfig().setCodec(new OwnCodec(fields));
    try (Directory directory = new ByteBuffersDirectory();
        IndexWriter writer = new IndexWriter(directory, config)) {
      for (int i = 0; i < 150; i++) {
        vectors.add(random(random));
        Document document = new Document();
        document.add(new StringField("n", Integer.toString(i), StringField.Store.YES));
        fields.addTo(document, Embedding.absent().withDense(vectors.get(i)));
        writer.addDocument(document);
      }
      writer.forceMerge(1);
      float[] query = random(random);
      List<Integer> expected =
          IntStream.range(0, 150)
              .boxed()
              .sorted(
                  Comparator.comparingDouble(i -> -VectorUtil.dotProduct(query, vectors.get(i))))
              .limit(5)
              .toList();
      try (DirectoryReader reader = DirectoryReader.open(writer)) {
        IndexSearcher searcher = new IndexSearcher(reader);
        ScoreDoc[] found = fields.queries().topDense(searcher, query, 5, null).scoreDocs;
        assertThat(found).extracting(hit -> hit.doc).isEqualTo(expected);
        assertThat(found[0].score)
            .isEqualTo(VectorUtil.dotProduct(query, vectors.get(expected.get(0))));

        VectorFields floats = how.quantization(DenseQuantization.NONE).build();
        assertThatThrownBy(() -> searcher.count(floats.queries().dense(query, 5)))
            .isInstanceOf(IndexException.class)
            .hasMessageContaining("vectors that are not quantised");
      }
    }
  }
}
