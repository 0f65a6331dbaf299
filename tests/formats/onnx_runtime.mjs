// onnx_runtime.mjs FILE SAMPLE: ONNX Runtime on the sample's images (a safetensors file with "images" and "logits", or
// "probabilities"); prints the largest difference from the sample's output, as a part of the largest number there. Needs
// npm's onnxruntime-node, found through NODE_PATH.
import {createRequire} from 'node:module';
import {readFileSync} from 'node:fs';

const ort = createRequire(process.env.NODE_PATH + '/')('onnxruntime-node');

function read(path) {
  const data = readFileSync(path);
  const length = Number(data.readBigUInt64LE(0));
  const header = JSON.parse(data.subarray(8, 8 + length).toString());
  const tensors = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const bytes = Uint8Array.from(data.subarray(8 + length + entry.data_offsets[0], 8 + length + entry.data_offsets[1]));
    const u8 = entry.dtype === 'U8';
    tensors[name] = new ort.Tensor(u8 ? 'uint8' : 'float32', u8 ? bytes : new Float32Array(bytes.buffer), entry.shape);
  }
  return tensors;
}

const [file, samplePath] = process.argv.slice(2);
const sample = read(samplePath);
const session = await ort.InferenceSession.create(file);
const output = session.outputNames[0];
const expected = (sample[output] ?? sample.logits).data;
const found = [];
const {dims, data, type} = sample.images;
const size = data.length / dims[0];
for (let n = 0; n < dims[0]; ++n) {  // one by one: some files are made for batches of 1
  const image = new ort.Tensor(type, data.slice(n * size, (n + 1) * size), [1, ...dims.slice(1)]);
  const result = await session.run({[session.inputNames[0]]: image});
  found.push(...result[output].data);
}
if (found.length !== expected.length) throw new Error(`${found.length} numbers, expected ${expected.length}`);
let difference = 0, scale = 0;
for (let i = 0; i < found.length; ++i) {
  difference = Math.max(difference, Math.abs(found[i] - expected[i]));
  scale = Math.max(scale, Math.abs(expected[i]));
}
console.log(difference / scale);
