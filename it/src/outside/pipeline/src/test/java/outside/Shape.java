package outside;

import io.luciole.Embedding;
import io.luciole.lucene.SearcherBuilder;
import io.luciole.lucene.VectorFields;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field.Store;
import org.apache.lucene.document.KeywordField;
import org.apache.lucene.index.Term;

/** How an article's vectors are written. */
enum Shape {
  /** The article has one embedding, of its whole description. */
  WHOLE {
    @Override
    List<String> texts(Article article) {
      return List.of(article.text());
    }

    @Override
    List<Document> block(Article article, List<Embedding> embeddings, VectorFields vectors) throws IOException {
      Document whole = Catalogue.document(article);
      vectors.addTo(whole, embeddings.get(0));
      return List.of(whole);
    }

    @Override
    SearcherBuilder describe(SearcherBuilder builder) {
      return builder;
    }
  },

  /** Each paragraph is a document with its embedding; the article follows them in the same block. */
  PASSAGES {
    @Override
    List<String> texts(Article article) {
      return article.paragraphs();
    }

    @Override
    List<Document> block(Article article, List<Embedding> embeddings, VectorFields vectors) throws IOException {
      List<Document> block = new ArrayList<>();
      for (Embedding embedding : embeddings) {
        Document passage = new Document();
        // The whole block is replaced by this term.
        passage.add(new KeywordField(Catalogue.ID, article.sku(), Store.NO));
        vectors.addTo(passage, embedding);
        block.add(passage);
      }
      block.add(Catalogue.document(article));
      return block;
    }

    @Override
    SearcherBuilder describe(SearcherBuilder builder) {
      return builder.documents(Catalogue.ARTICLES);
    }
  };

  /** What of an article is embedded. */
  abstract List<String> texts(Article article);

  /** An article's documents, itself last. */
  abstract List<Document> block(Article article, List<Embedding> embeddings, VectorFields vectors) throws IOException;

  /** Tells a searcher where the vectors are. */
  abstract SearcherBuilder describe(SearcherBuilder builder);
}
