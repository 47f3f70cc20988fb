/** Which rule of trust an outward act falls under. Pure. */
import type { ApprovalRule } from "../config/agent_rules.ts";
import type { OutwardAct } from "../task/task.ts";

/** A rule as the database counts by it. */
export interface AppliedRule {
  readonly name: string;
  readonly per_day: number;
}

/** The first rule that fits; none for an act that a person is always asked about. */
export function ruleFor(
  rules: readonly ApprovalRule[],
  agentId: string,
  act: OutwardAct,
): AppliedRule | undefined {
  if (act.alwaysAsk) return undefined;
  const at = rules.findIndex((rule) => fits(rule, agentId, act));
  if (at < 0) return undefined;
  return { name: rules[at]!.name ?? `${at + 1}`, per_day: rules[at]!.perDay };
}

function fits(rule: ApprovalRule, agentId: string, { kind, platform, account }: OutwardAct): boolean {
  return (rule.agent === undefined || rule.agent === agentId) &&
    (rule.platform === undefined || rule.platform.toLowerCase() === platform?.toLowerCase()) &&
    (rule.account === undefined || rule.account === account) &&
    (rule.kinds === undefined || rule.kinds.includes(kind));
}
