package io.luciole.lucene;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.apache.lucene.search.ScoreDoc;

/**
 * Ranked lists of one query that come from elsewhere than a search, such as run files, to be fused
 * as a search does it. Immutable.
 */
public final class LegLists {
  private final Map<Leg, List<ScoreDoc>> hits;
  private final List<String> ids;

  private LegLists(Map<Leg, List<ScoreDoc>> hits, List<String> ids) {
    this.hits = hits;
    this.ids = ids;
  }

  /**
   * Takes over each leg's list. One of words or sparse weights with fewer than 100 documents is
   * taken to have all that share something with the query.
   *
   * @param lists documents with the leg's own scores, best first; each document once a list
   * @return the lists
   */
  public static LegLists of(Map<Leg, List<ScoredId>> lists) {
    Map<Leg, List<ScoreDoc>> hits = new EnumMap<>(Leg.class);
    Map<String, Integer> numbers = new HashMap<>();
    List<String> ids = new ArrayList<>();
    lists.forEach((leg, list) -> {
      List<ScoreDoc> numbered = new ArrayList<>(list.size());
      for (ScoredId hit : list) {
        int number = numbers.computeIfAbsent(hit.id(), id -> ids.size());
        if (number == ids.size()) {
          ids.add(hit.id());
        }
        numbered.add(new ScoreDoc(number, (float) hit.score()));
      }
      hits.put(leg, numbered);
    });
    return new LegLists(hits, ids);
  }

  /**
   * Fuses the lists, by their first 100 and what lies deeper behind that, as a search does it that
   * is given no depth. Of the query itself nothing is known, so that {@link Fusion#auto} weighs as
   * if the model did not tell how well it knows the language.
   *
   * @param fusion how
   * @param weights what each leg counts, 0 or more; a leg that is not named counts 0
   * @return every document of the lists, best first, with fused scores in the fusion's units; ties
   *     in the order in which the documents come in the lists
   */
  public List<ScoredId> fuse(Fusion fusion, Map<Leg, Double> weights) {
    QueryTraits traits = new QueryTraits(hits.keySet(), OptionalDouble.empty());
    List<LegResult> results = new ArrayList<>(hits.size());
    int longest = 1;
    for (Map.Entry<Leg, List<ScoreDoc>> list : hits.entrySet()) {
      Leg leg = list.getKey();
      List<ScoreDoc> found = list.getValue();
      boolean isAll = leg != Leg.DENSE && found.size() < DepthSteps.FIRST;
      double weight = weights.getOrDefault(leg, 0.0) * fusion.factor(leg, traits);
      results.add(new LegResult(leg, weight, found, isAll));
      longest = Math.max(longest, found.size());
    }
    return FusedList.of(fusion, results, DepthSteps.upTo(longest)).entries().stream()
        .map(entry -> new ScoredId(ids.get(entry.doc()), entry.score()))
        .toList();
  }
}
