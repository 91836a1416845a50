import { hostileCommand } from './shared/hostile-method.ts';

/** A command, since Node's permission model lets JavaScript make no links. Its folder lies in the trial's. */
export default hostileCommand({
  id: 'links-artifact',
  description: 'Puts a link where its artifact is to be written: it could be turned elsewhere before it is read.',
  script: 'cp input/model.onnx output/model.onnx; ln -s decoy.onnx ../artifact.onnx',
});
