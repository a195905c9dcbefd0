/**
 * One measurement, alone in its process: `node --import tsx test/bench/measure.ts NAME [ARGUMENT...]` calls what measurements/NAME.ts exports and
 * prints what it gives as one line of JSON.
 */
const [name = '', ...argv] = process.argv.slice(2);
const { default: measure } = (await import(`./measurements/${name}.ts`)) as { default: (...argv: readonly string[]) => unknown };
const figures = await measure(...argv);
if (figures !== undefined) console.log(JSON.stringify(figures));
