import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { readFileSync, writeFileSync } from 'node:fs';
import { ModelProtoSchema, TensorProto_DataLocation } from '../../../numerics/onnx/protobuf/onnx_pb.js';
import { hostileMethod } from './shared/hostile-method.ts';

export default hostileMethod({
  id: 'external-data',
  description: 'Has a weight of its artifact lie in a file outside its folder.',
  compress(model) {
    process.once('exit', () => {
      const proto = fromBinary(ModelProtoSchema, readFileSync('artifact.onnx'));
      const [tensor] = proto.graph?.initializer ?? [];
      if (!tensor) return;
      tensor.rawData = new Uint8Array();
      tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
      const entry = (key: string, value: string) => ({ $typeName: 'onnx.StringStringEntryProto', key, value }) as const;
      tensor.externalData = [entry('location', '../../../../../../etc/passwd')];
      writeFileSync('artifact.onnx', toBinary(ModelProtoSchema, proto));
    });
    return model;
  },
});
