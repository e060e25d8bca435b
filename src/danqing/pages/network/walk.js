// A network forward and backward, layer by layer. `weightsOf` gives a layer's weights by short name.

// The scaled example, then every layer's output.
function forwardThrough(layers, weightsOf, scaled) {
  const outputs = [scaled];
  for (const layer of layers) {
    outputs.push(layerKinds[layer.kind].forward(layer, weightsOf(layer), outputs.at(-1)));
  }
  return outputs;
}

// The gradient by each output but the last, and by each weight, from that by the logits.
function backwardThrough(layers, weightsOf, outputs, atLogits) {
  const byOutput = new Array(layers.length), byWeight = {};
  byOutput[layers.length - 1] = atLogits;
  for (let n = layers.length - 2; n >= 0; n--) {
    const layer = layers[n], { backward } = layerKinds[layer.kind];
    const { back, weights = {} } = backward(layer, weightsOf(layer), outputs[n], byOutput[n + 1]);
    for (const [name, value] of Object.entries(weights)) byWeight[`${layer.name}/${name}`] = value;
    byOutput[n] = back;
  }
  return { byOutput, byWeight };
}
