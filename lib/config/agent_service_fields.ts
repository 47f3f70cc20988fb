/** The part of the table of configuration fields that is about the services and goals of the domain agents' tools. */
import { field } from "./field.ts";
import { looseUrl, number, serviceUrl, text } from "./schemas.ts";

const service = (name: string, description: string) =>
  field({
    env: [name],
    schema: serviceUrl.optional(),
    default: undefined,
    description,
    restartNeeded: true,
  });
/** Beside the agent, or in the local network. */
const localService = (name: string, description: string) =>
  field({ env: [name], schema: looseUrl.optional(), default: undefined, description, restartNeeded: true });
const key = (name: string, description: string) =>
  field({
    env: [name],
    schema: text.optional(),
    default: undefined,
    description,
    secret: true,
    restartNeeded: true,
  });
const path = (name: string, usual: string, description: string) =>
  field({
    env: [name],
    schema: text.regex(/^\/[^\s?#]*$/, "must be a path that begins with / and has no query"),
    default: usual,
    description,
    restartNeeded: true,
  });
const goal = (name: string, description: string) =>
  field({
    env: [name],
    schema: number(0, 1e12).optional(),
    default: undefined,
    description,
    restartNeeded: true,
  });
const taskType = (name: string, description: string) =>
  field({
    env: [name],
    schema: text.regex(/^[A-Za-z0-9_.-]{1,100}$/, "must be the type of a task").optional(),
    default: undefined,
    description,
    restartNeeded: true,
  });

export const AGENT_SERVICE_FIELDS = {
  marketResearchKey: key("MARKET_RESEARCH_KEY", "The key of the market research service, if it wants one."),
  safariTiktokCommentsUrl: localService(
    "SAFARI_TIKTOK_COMMENTS_URL",
    "The local service that posts approved comments on TikTok.",
  ),
  safariInstagramCommentsUrl: localService(
    "SAFARI_INSTAGRAM_COMMENTS_URL",
    "The local service that posts approved comments on Instagram.",
  ),
  safariTwitterCommentsUrl: localService(
    "SAFARI_TWITTER_COMMENTS_URL",
    "The local service that posts approved comments on Twitter.",
  ),
  safariThreadsCommentsUrl: localService(
    "SAFARI_THREADS_COMMENTS_URL",
    "The local service that posts approved comments on Threads.",
  ),
  safariTiktokDmUrl: localService(
    "SAFARI_TIKTOK_DM_URL",
    "The local service that sends approved messages on TikTok.",
  ),
  safariInstagramDmUrl: localService(
    "SAFARI_INSTAGRAM_DM_URL",
    "The local service that sends approved messages on Instagram.",
  ),
  safariTwitterDmUrl: localService(
    "SAFARI_TWITTER_DM_URL",
    "The local service that sends approved messages on Twitter.",
  ),
  safariLinkedinUrl: localService(
    "SAFARI_LINKEDIN_URL",
    "The local service that sends approved messages and connection requests on LinkedIn.",
  ),
  safariServicesKey: key(
    "SAFARI_SERVICES_KEY",
    "The key of the local comment and message services, if they want one.",
  ),
  agentCommentTaskType: taskType(
    "AGENT_COMMENT_TASK_TYPE",
    "The type of the tasks that post approved comments where no local service does.",
  ),
  agentMessageTaskType: taskType(
    "AGENT_MESSAGE_TASK_TYPE",
    "The type of the tasks that send approved messages, also e-mail, where no local service does.",
  ),
  hookliteUrl: service("HOOKLITE_URL", "HookLite, which scores hooks for the content agent."),
  hookliteKey: key("HOOKLITE_KEY", "The key of HookLite."),
  hookliteReviewPath: path("HOOKLITE_REVIEW_PATH", "/api/review", "Where HookLite scores a hook."),
  contentliteKey: key(
    "CONTENTLITE_KEY",
    "The key of ContentLite, which writes scripts for the content agent.",
  ),
  contentliteGeneratePath: path(
    "CONTENTLITE_GENERATE_PATH",
    "/api/generate/from-blueprint",
    "Where ContentLite writes scripts.",
  ),
  researchliteKey: key("RESEARCHLITE_KEY", "The key of ResearchLite, for the content agent's blueprints."),
  researchliteBlueprintsPath: path(
    "RESEARCHLITE_BLUEPRINTS_PATH",
    "/api/blueprints",
    "Where ResearchLite lists blueprints.",
  ),
  stripeApiUrl: service("STRIPE_API_URL", "Another address of Stripe's API."),
  appStoreConnectUrl: service("APP_STORE_CONNECT_URL", "Another address of App Store Connect's API."),
  targetNiches: field({
    env: ["TARGET_NICHES"],
    schema: text.optional(),
    default: undefined,
    description: "The niches whose prospects fit the acquisition agent's offer; `,` between them.",
    restartNeeded: true,
  }),
  revenueCurrency: field({
    env: ["REVENUE_CURRENCY"],
    schema: text.regex(/^[A-Za-z]{3}$/, "must be a currency's three letters"),
    default: "usd",
    description: "The currency of revenue targets and deals; what comes in another one is told apart.",
    restartNeeded: true,
  }),
  revenueCumulativeGoal: goal("REVENUE_CUMULATIVE_GOAL", "The revenue of all months that is aimed at."),
  followerGoal: goal("FOLLOWER_GOAL", "The followers that are aimed at on each platform."),
  viewsPerVideoGoal: goal("VIEWS_PER_VIDEO_GOAL", "The views of an average video that are aimed at."),
  dailyVideoGoal: goal("DAILY_VIDEO_GOAL", "The videos a day that are aimed at."),
};
