/** The answer of `actp_claim_tasks`: rows without names, which would be most of a large one. */

/** A claimed task, in the order in which the function lists its parts; times are ISO 8601. */
export type ClaimedRow = readonly [
  id: string,
  task_type: string,
  input_data: unknown,
  attempt: number,
  max_attempts: number,
  priority: number,
  token: string,
  timeout_minutes: number | null,
  lease_seconds: number,
  created_at: string,
  execution_id: string | null,
  step_id: string | null,
  deadline: string | null,
];
