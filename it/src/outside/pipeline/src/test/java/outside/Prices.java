package outside;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;

/** The prices of found articles, in the order in which Lucene sorts them. */
final class Prices {
  private static final int MOST = 500;

  private Prices() {}

  static List<Long> sorted(IndexSearcher searcher, Query found) throws IOException {
    List<Long> prices = new ArrayList<>();
    for (ScoreDoc hit : searcher.search(found, MOST, Catalogue.BY_PRICE).scoreDocs) {
      prices.add(
          searcher.storedFields().document(hit.doc).getField(Catalogue.PRICE).numericValue().longValue());
    }
    return prices;
  }
}
