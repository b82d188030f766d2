import type {
  NamedAttrMap,
  NamedTensorInfoMap,
  Tensor,
  Tensor4D,
  TensorInfo,
} from '@tensorflow/tfjs';
import type { Tf } from './load';

type Kernel = (tf: Tf, inputs: NamedTensorInfoMap, attrs: NamedAttrMap) => Tensor;

/**
 * Kernels that training needs and a backend of tfjs 4.22 lacks, has as slow loops or has wrong:
 * each is composed of kernels that it has. A kernel's inputs are whole tensors, and ops inside a
 * kernel are not recorded by the gradient tape, so ordinary ops serve.
 */
const KERNELS: Record<'wasm' | 'cpu', Record<string, Kernel>> = {
  wasm: {
    Conv2DBackpropFilter: conv2dBackpropFilter,
    // There is one, as scalar loops: about ten times slower than the convolution it is.
    Conv2DBackpropInput: conv2dBackpropInput,
    UnsortedSegmentSum: unsortedSegmentSum,
  },
  cpu: {
    // There is one, but it reads the first image's gradients for the others too.
    ResizeNearestNeighborGrad: resizeNearestNeighborGrad,
  },
};

/** Registers them; to be called before the backend is first used. */
export function registerKernels(tf: Tf, backendName: 'wasm' | 'cpu'): void {
  for (const [kernelName, kernel] of Object.entries(KERNELS[backendName])) {
    if (tf.getKernel(kernelName, backendName)) tf.unregisterKernel(kernelName, backendName);
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs }) =>
        tf.tidy(() => kernel(tf, inputs, attrs ?? {})) as unknown as TensorInfo,
    });
  }
}

interface ConvAttrs {
  strides: [number, number] | number;
  pad:
    | 'valid'
    | 'same'
    | number
    | [[number, number], [number, number], [number, number], [number, number]];
  dataFormat: 'NHWC' | 'NCHW';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

function convInfo(
  tf: Tf,
  inputShape: [number, number, number, number],
  filterShape: [number, number, number, number],
  { strides, pad, dataFormat, dimRoundingMode }: ConvAttrs,
): ReturnType<Tf['backend_util']['computeConv2DInfo']> {
  if (dataFormat !== 'NHWC') throw new Error(`${dataFormat} is not supported, only NHWC`);
  return tf.backend_util.computeConv2DInfo(
    inputShape,
    filterShape,
    strides,
    1,
    pad,
    dimRoundingMode,
    false,
    'channelsLast',
  );
}

/**
 * dW[i, j] = sum over batch and positions p of x[p * stride + (i, j)] dy[p]: a valid convolution of
 * x with dy as the filter, batch and channels trading places, dilated by the forward stride.
 * @param inputs x [B, H, W, Ci], dy [B, H', W', Co]
 * @returns dW [kh, kw, Ci, Co]
 */
function conv2dBackpropFilter(tf: Tf, inputs: NamedTensorInfoMap, attrs: NamedAttrMap): Tensor {
  const { x, dy } = inputs as unknown as { x: Tensor4D; dy: Tensor4D };
  const conv = attrs as unknown as ConvAttrs & { filterShape: [number, number, number, number] };
  const info = convInfo(tf, x.shape, conv.filterShape, conv);
  // Exactly the rows and columns that some position of the filter touches: the valid convolution
  // then has kh x kw outputs.
  const rows = (dy.shape[1] - 1) * info.strideHeight + info.filterHeight;
  const columns = (dy.shape[2] - 1) * info.strideWidth + info.filterWidth;
  const { top, left } = info.padInfo;
  const fitted = fit(x, [top, rows - info.inHeight - top], [left, columns - info.inWidth - left]);
  const dW = tf.conv2d(
    tf.transpose(fitted, [3, 1, 2, 0]), // [Ci, rows, columns, B]
    tf.transpose(dy, [1, 2, 0, 3]), // [H', W', B, Co]
    1,
    'valid',
    'NHWC',
    [info.strideHeight, info.strideWidth],
  ); // [Ci, kh, kw, Co]
  return tf.transpose(dW, [1, 2, 0, 3]);
}

/**
 * dx: dy, spread out by the forward stride, convolved with the filter turned by 180 degrees.
 * @param inputs dy [B, H', W', Co], filter [kh, kw, Ci, Co]
 * @returns dx [B, H, W, Ci]
 */
function conv2dBackpropInput(tf: Tf, inputs: NamedTensorInfoMap, attrs: NamedAttrMap): Tensor {
  const { dy, filter } = inputs as unknown as { dy: Tensor4D; filter: Tensor4D };
  const conv = attrs as unknown as ConvAttrs & { inputShape: [number, number, number, number] };
  const info = convInfo(tf, conv.inputShape, filter.shape, conv);
  const spread = spreadOut(tf, dy, info.strideHeight, info.strideWidth);
  const above = info.filterHeight - 1 - info.padInfo.top;
  const before = info.filterWidth - 1 - info.padInfo.left;
  const fitted = fit(
    spread,
    [above, info.inHeight + info.filterHeight - 1 - spread.shape[1] - above],
    [before, info.inWidth + info.filterWidth - 1 - spread.shape[2] - before],
  );
  const turned = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]); // [kh, kw, Co, Ci]
  return tf.conv2d(fitted, turned as Tensor4D, 1, 'valid');
}

/** Puts stride - 1 zeros after every row and column. [B, H, W, C] → [B, H * sh, W * sw, C] */
function spreadOut(tf: Tf, x: Tensor4D, strideHeight: number, strideWidth: number): Tensor4D {
  if (strideHeight === 1 && strideWidth === 1) return x;
  const [batch, height, width, channels] = x.shape;
  const wide = tf.pad(tf.reshape(x, [batch * height, width, channels]), [
    [0, 0],
    [0, 0],
    [0, (strideWidth - 1) * channels],
  ]);
  const row = width * strideWidth * channels;
  const tall = tf.pad(tf.reshape(wide, [batch * height, row]), [
    [0, 0],
    [0, (strideHeight - 1) * row],
  ]);
  return tf.reshape(tall, [batch, height * strideHeight, width * strideWidth, channels]);
}

/** Pads height and width with zeros, or crops where the amount is negative. */
function fit(
  x: Tensor4D,
  [top, bottom]: [number, number],
  [left, right]: [number, number],
): Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const over = (amount: number): number => Math.max(0, -amount);
  const under = (amount: number): number => Math.max(0, amount);
  const cropped = [top, bottom, left, right].some((amount) => amount < 0)
    ? x.slice(
        [0, over(top), over(left), 0],
        [batch, height - over(top) - over(bottom), width - over(left) - over(right), channels],
      )
    : x;
  return [top, bottom, left, right].some((amount) => amount > 0)
    ? (cropped.pad([
        [0, 0],
        [under(top), under(bottom)],
        [under(left), under(right)],
        [0, 0],
      ]) as Tensor4D)
    : cropped;
}

/**
 * Every pixel of dy goes back to the one it was a copy of. Whole enlargements only.
 * @param inputs images [B, H, W, C], dy [B, H * sh, W * sw, C]
 * @returns [B, H, W, C]
 */
function resizeNearestNeighborGrad(
  tf: Tf,
  inputs: NamedTensorInfoMap,
  attrs: NamedAttrMap,
): Tensor {
  const { images, dy } = inputs as unknown as { images: Tensor4D; dy: Tensor4D };
  const factorHeight = dy.shape[1] / images.shape[1];
  const factorWidth = dy.shape[2] / images.shape[2];
  if (!Number.isInteger(factorHeight) || !Number.isInteger(factorWidth) || attrs['alignCorners']) {
    throw new Error('only whole, unaligned enlargements have a gradient on this backend');
  }
  const factors: [number, number] = [factorHeight, factorWidth];
  return tf.mul(tf.avgPool(dy, factors, factors, 'valid'), factorHeight * factorWidth);
}

/**
 * The gradient of a gather: rows of x that share a segment are added.
 * @param inputs x [N, ...], segmentIds [N] int32
 * @returns [numSegments, ...]
 */
function unsortedSegmentSum(tf: Tf, inputs: NamedTensorInfoMap, attrs: NamedAttrMap): Tensor {
  const { x, segmentIds } = inputs as unknown as { x: Tensor; segmentIds: Tensor };
  const { numSegments } = attrs as unknown as { numSegments: number };
  const [rows = 1, ...rest] = x.shape;
  const choice = tf.cast(tf.oneHot(tf.cast(segmentIds, 'int32'), numSegments), 'float32'); // [N, K]
  const sums = tf.matMul(tf.transpose(choice), tf.reshape(tf.cast(x, 'float32'), [rows, -1]));
  return tf.cast(tf.reshape(sums, [numSegments, ...rest]), x.dtype);
}
