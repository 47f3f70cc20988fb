/** Recurring revenue, new customers and churn, as Stripe has them. */
import { z } from "zod";
import { type AgentServices, type AgentTool, defineTool } from "../../../lib/agent/agent.ts";
import { answering } from "../answering.ts";
import { month } from "../fields.ts";
import { monthBounds } from "./months.ts";
import { monthlyRecurring } from "./recurring.ts";
import { MAX_OBJECTS, withStripe } from "./stripe_client.ts";
import { monthOf } from "./totals.ts";

/** The tools that read Stripe; none without its key. */
export function stripeTools(services: AgentServices, now: () => number = Date.now): AgentTool[] {
  if (!services.setting("STRIPE_SECRET_KEY")) return [];
  return [recurringRevenue(services, now), newCustomers(services, now), churn(services, now)];
}

const ofMonth = month.optional().describe("the present one unless told");

function recurringRevenue(services: AgentServices, now: () => number): AgentTool {
  return defineTool({
    name: "stripe_recurring_revenue",
    description:
      "Reads the monthly recurring revenue from Stripe (active and past-due subscriptions, before discounts and " +
      "taxes, by currency) and saves it as this month's figure.",
    input: z.strictObject({}),
    run: answering(async (_input, { database, signal }) => {
      const subscriptions = await withStripe(services, "read subscriptions", signal, async (stripe) => {
        const read = (status: "active" | "past_due") =>
          stripe.subscriptions.list({ status, limit: 100 }).autoPagingToArray({ limit: MAX_OBJECTS });
        return [...await read("active"), ...await read("past_due")];
      });
      const { amounts, not_counted } = monthlyRecurring(subscriptions);
      const month = monthOf(now());
      await database.call("actp_save_revenue_reading", {
        p_stream: "stripe",
        p_month: month,
        p_amounts: amounts,
        p_details: { subscriptions: subscriptions.length, items_not_counted: not_counted },
      });
      return {
        month,
        recurring: amounts,
        subscriptions: subscriptions.length,
        items_not_counted: not_counted,
        ...cut(subscriptions.length),
      };
    }),
  });
}

function newCustomers(services: AgentServices, now: () => number): AgentTool {
  return defineTool({
    name: "stripe_new_customers",
    description: "Counts the customers that were new in a month, from Stripe.",
    input: z.strictObject({ month: ofMonth }),
    run: answering(async ({ month = monthOf(now()) }, { signal }) => {
      const { from, to } = monthBounds(month);
      const customers = await withStripe(
        services,
        "read customers",
        signal,
        (stripe) =>
          stripe.customers.list({ created: { gte: from / 1_000, lt: to / 1_000 }, limit: 100 })
            .autoPagingToArray({ limit: MAX_OBJECTS }),
      );
      return { month, new_customers: customers.length, ...cut(customers.length) };
    }),
  });
}

function churn(services: AgentServices, now: () => number): AgentTool {
  return defineTool({
    name: "stripe_churn",
    description:
      "Counts the subscriptions that ended in a month, from Stripe, what they had brought a month, and the churn rate: " +
      "the part of those that ran when the month began.",
    input: z.strictObject({ month: ofMonth }),
    run: answering(async ({ month = monthOf(now()) }, { signal }) => {
      const { from, to } = monthBounds(month);
      const before = { lt: to / 1_000 };
      const all = await withStripe(
        services,
        "read subscriptions",
        signal,
        (stripe) =>
          stripe.subscriptions.list({ status: "all", created: before, limit: 100 })
            .autoPagingToArray({ limit: MAX_OBJECTS }),
      );
      const endedAt = (subscription: typeof all[number]) => (subscription.ended_at ?? Infinity) * 1_000;
      const paid = all.filter(({ status }) => !["incomplete", "incomplete_expired"].includes(status));
      const atStart = paid.filter((one) => one.created * 1_000 < from && endedAt(one) >= from);
      const ended = paid.filter((one) => endedAt(one) >= from && endedAt(one) < to);
      const lost = atStart.filter((one) => endedAt(one) < to);
      return {
        month,
        ended: ended.length,
        ended_recurring: monthlyRecurring(ended).amounts,
        running_at_start: atStart.length,
        churn_rate: atStart.length === 0 ? null : Math.round(lost.length / atStart.length * 1_000) / 1_000,
        ...cut(all.length),
      };
    }),
  });
}

/** Says that a list was longer than what is read. */
function cut(count: number): Record<string, unknown> {
  return count >= MAX_OBJECTS ? { incomplete: `only the first ${MAX_OBJECTS} of a list were read` } : {};
}
