package io.luciole.spark;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collection;

/** What a search cluster calls its fields of vectors. */
public enum ClusterKind {
  /** OpenSearch with the k-NN plug-in, as its distribution has it. */
  OPENSEARCH {
    @Override
    void dense(ObjectNode field, int dimension, boolean normalized) {
      field.put("type", "knn_vector").put("dimension", dimension).put("space_type", "innerproduct");
    }

    @Override
    void sparse(ObjectNode field) {
      field.put("type", "rank_features");
    }
  },
  /** OpenSearch without that plug-in: dense vectors are kept, and cannot be searched. */
  OPENSEARCH_WITHOUT_KNN {
    @Override
    void dense(ObjectNode field, int dimension, boolean normalized) {
      field.put("type", "object").put("enabled", false);
    }

    @Override
    void sparse(ObjectNode field) {
      field.put("type", "rank_features");
    }
  },
  /** Elasticsearch from 8.15 on. */
  ELASTICSEARCH {
    @Override
    void dense(ObjectNode field, int dimension, boolean normalized) {
      field
          .put("type", "dense_vector")
          .put("dims", dimension)
          .put("similarity", normalized ? "dot_product" : "max_inner_product")
          .putObject("index_options")
          .put("type", "int8_hnsw");
    }

    @Override
    void sparse(ObjectNode field) {
      // Pruning is made for models that expand texts, and drops most of M3's weights.
      field.put("type", "sparse_vector").putObject("index_options").put("prune", false);
    }
  };

  abstract void dense(ObjectNode field, int dimension, boolean normalized);

  abstract void sparse(ObjectNode field);

  /**
   * Makes the body of the request that creates an index: the mapping of the fields {@code text},
   * {@code title} and of vectors. The cluster maps all others by itself.
   *
   * @param vectors the columns of vectors: {@code dense}, {@code sparse}
   * @param dimension the components of a dense vector
   * @param normalized whether dense vectors have length 1
   * @return a JSON object
   */
  public String index(Collection<String> vectors, int dimension, boolean normalized) {
    ObjectNode root = new ObjectMapper().createObjectNode();
    ObjectNode fields = root.putObject("mappings").putObject("properties");
    fields.putObject("text").put("type", "text");
    fields.putObject("title").put("type", "text");
    if (vectors.contains(EmbeddingColumns.DENSE)) {
      dense(fields.putObject(EmbeddingColumns.DENSE), dimension, normalized);
      if (this == OPENSEARCH) {
        root.putObject("settings").put("index.knn", true);
      }
    }
    if (vectors.contains(EmbeddingColumns.SPARSE)) {
      sparse(fields.putObject(EmbeddingColumns.SPARSE));
    }
    return root.toString();
  }
}
