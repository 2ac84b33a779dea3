package io.luciole.lucene;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.apache.lucene.index.FilterMergePolicy;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.SegmentCommitInfo;
import org.apache.lucene.index.SegmentInfos;
import org.apache.lucene.index.TieredMergePolicy;
import org.jspecify.annotations.Nullable;

/**
 * Merges as usual, but that a forced merge writes a single segment anew if no merge made it: its
 * vectors may have no graph yet, see {@link SchemaCodec}.
 */
final class WholeMerge extends FilterMergePolicy {
  WholeMerge() {
    super(new TieredMergePolicy());
  }

  @Override
  public @Nullable MergeSpecification findForcedMerges(
      SegmentInfos infos,
      int maxSegments,
      Map<SegmentCommitInfo, Boolean> segments,
      MergeContext context)
      throws IOException {
    if (infos.size() == 1) {
      SegmentCommitInfo only = infos.info(0);
      boolean isMerged =
          IndexWriter.SOURCE_MERGE.equals(only.info.getDiagnostics().get(IndexWriter.SOURCE));
      if (!isMerged && !context.getMergingSegments().contains(only)) {
        MergeSpecification rewrite = new MergeSpecification();
        rewrite.add(new OneMerge(List.of(only)));
        return rewrite;
      }
    }
    return super.findForcedMerges(infos, maxSegments, segments, context);
  }
}
