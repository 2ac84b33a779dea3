package io.luciole.lucene;

import io.luciole.Embedding;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.apache.lucene.search.Query;
import org.jspecify.annotations.Nullable;

/** What a {@link HybridQuery} says; changed only while a query is made of another. */
final class QuerySettings {
  final String text;
  int top = 10;
  int offset;
  @Nullable Set<Leg> legs;
  Map<Leg, HybridQuery.LegOptions> options = Map.of();
  boolean hasDepth;
  Set<Leg> weighted = Set.of();
  @Nullable Query filter;
  Fusion fusion = Fusion.usual();
  HybridQuery.@Nullable Rerank rerank;
  @Nullable RerankByModel rerankByModel;
  @Nullable Duration timeout;
  boolean matchedTokens;
  WordBoosts wordBoosts = WordBoosts.NONE;
  Arrangement arrangement = Arrangement.NONE;
  @Nullable Long view;
  @Nullable Embedding embedding;

  QuerySettings(String text) {
    this.text = text;
  }

  QuerySettings(QuerySettings of) {
    text = of.text;
    top = of.top;
    offset = of.offset;
    legs = of.legs;
    options = of.options;
    hasDepth = of.hasDepth;
    weighted = of.weighted;
    filter = of.filter;
    fusion = of.fusion;
    rerank = of.rerank;
    rerankByModel = of.rerankByModel;
    timeout = of.timeout;
    matchedTokens = of.matchedTokens;
    wordBoosts = of.wordBoosts;
    arrangement = of.arrangement;
    view = of.view;
    embedding = of.embedding;
  }
}
