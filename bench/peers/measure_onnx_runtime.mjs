// measure_onnx_runtime.mjs FILE SIDE BATCH THREADS SECONDS: inference of one ONNX file by ONNX Runtime in a process of
// its own, warmed up and repeated as `resnet bench` does; prints one JSON object. Without arguments: the version. Needs
// npm's onnxruntime-node, found through NODE_PATH.
import {createRequire} from 'node:module';

const require = createRequire((process.env.NODE_PATH ?? process.cwd()) + '/');
const ort = require('onnxruntime-node');
if (process.argv.length < 3) {
  console.log(require('onnxruntime-node/package.json').version);
  process.exit(0);
}

const file = process.argv[2];
const [side, batch, threads, seconds] = process.argv.slice(3).map(Number);
const session = await ort.InferenceSession.create(file, {
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
});
const data = Float32Array.from({length: batch * 3 * side * side}, () => Math.random() * 4 - 2);
const feeds = {[session.inputNames[0]]: new ort.Tensor('float32', data, [batch, 3, side, side])};

async function timed() {
  const start = performance.now();
  await session.run(feeds);
  return (performance.now() - start) / 1000;
}

for (let warm = 0, count = 0; count < 2 || warm < seconds / 10; ++count) warm += await timed();
const times = [];
for (let sum = 0; sum < seconds || times.length < 5; sum += times.at(-1)) times.push(await timed());
times.sort((a, b) => a - b);
const middle = times.length >> 1;
const median = times.length % 2 ? times[middle] : (times[middle - 1] + times[middle]) / 2;
console.log(JSON.stringify({steps: times.length, seconds: median, peak_mib: process.resourceUsage().maxRSS / 1024}));
