/** A span for each run of an agent, made by the process that the agent runs in. */
import type { FinishedRun } from "../agent/run.ts";
import { known, type Tracing } from "./tracing.ts";

/** Runs `work` within a span; without tracing it just runs. */
export async function agentRunSpan(
  tracing: Tracing | undefined,
  agentId: string,
  work: () => Promise<FinishedRun>,
): Promise<FinishedRun> {
  if (!tracing) return await work();
  const span = tracing.start(`agent ${agentId}`, { attributes: { "actp.agent.id": agentId } });
  try {
    const finished = await tracing.within(span, work);
    const { stop, error, use } = finished;
    span.setAttributes(known({
      "actp.agent.run_id": finished.runId,
      "actp.agent.outcome": stop,
      "actp.agent.iterations": finished.iterations,
      "actp.agent.tools": [...finished.toolsUsed],
      "actp.agent.cost_usd": finished.costUsd,
      // https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
      "gen_ai.usage.input_tokens": use.input,
      "gen_ai.usage.output_tokens": use.output,
    }));
    if (error !== undefined) tracing.fail(span, error);
    return finished;
  } finally {
    span.end();
  }
}
