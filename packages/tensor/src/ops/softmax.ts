import { planSoftmaxCrossEntropy, planSoftmaxCrossEntropyBackward } from "@fracture/kernels";
