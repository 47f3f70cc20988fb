/** Stands in for osascript: hands what it was given to the test that listens on a port, and answers as told. */
const [port, ...args] = Deno.args;
const stdin = await new Response(Deno.stdin.readable).text();
const response = await fetch(`http://127.0.0.1:${port}/`, {
  method: "POST",
  body: JSON.stringify({ args, stdin }),
});
const { stdout = "", stderr = "", code = 0 } = await response.json();
await Deno.stdout.write(new TextEncoder().encode(stdout));
await Deno.stderr.write(new TextEncoder().encode(stderr));
Deno.exit(code);
