/**
 * Loads a native TensorFlow in this process and runs a product and a convolution's gradient whose
 * values are known: `node probe-tensorflow.mjs DIR` prints {version, gpu} or ends with an error.
 * A process of its own, because a library that does not suit the machine may take it down.
 */
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import util from 'node:util';
import { ADDON } from './tensorflow.mjs';

// Node 23 took away what tfjs-node still calls.
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
util.isArray ??= Array.isArray;

const require = createRequire(import.meta.url);
const binding = require(join(resolve(process.argv[2]), ADDON));
const tf = require('@tensorflow/tfjs');
require('@tensorflow/tfjs-node-gpu/dist/register_all_kernels');
const { NodeJSKernelBackend } = require('@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend');
tf.registerBackend('tensorflow', () => new NodeJSKernelBackend(binding, 'protodiff'), 3);
if (!(await tf.setBackend('tensorflow'))) throw new Error('the backend did not start');

function expect(what, tensor, value) {
  const found = tensor.dataSync()[0];
  if (found !== value) throw new Error(`${what} gave ${found} instead of ${value}`);
}

expect('matMul', tf.matMul(tf.ones([64, 64]), tf.ones([64, 64])), 64);
// The sum over a 'valid' 3x3 convolution of ones, 8x8 to 6x6, two images: each weight sees 2·6·6.
const x = tf.ones([2, 8, 8, 3]);
const dW = tf.grad((w) => tf.conv2d(x, w, 1, 'valid').sum())(tf.ones([3, 3, 3, 4]));
expect('the gradient of conv2d', dW, 72);

process.stdout.write(
  `${JSON.stringify({ version: binding.TF_Version, gpu: binding.isUsingGpuDevice() })}\n`,
);
