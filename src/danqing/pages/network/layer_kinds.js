// What each kind of layer computes, by the names of danqing.recipe.layer_kinds: `forward` gives the
// output, `backward` the gradient by the input as `back`, and by each weight, by its name, in
// `weights`. One example at a time, in float64, as at prediction.
//
// `role` is what a kind is to a page: "kernel" (a weighted sum), "pooling", "elementwise", "passing"
// (changes nothing) or "output".
const layerKinds = {
  conv: convolution,
  dense: dense,
  pool: maxPooling,
  avgpool: averagePooling,
  globalpool: globalAveragePooling,
  batchnorm: batchNormalisation,
  dropout: passing,
  flatten: passing,
  ...activations,
  softmax: softmax,
  rescale: rescaling,
};
