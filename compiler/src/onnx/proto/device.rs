//! Distributed execution (IR version 11). It does not change what a model computes; it is read so that a
//! second decoder can be compared field by field and so that nothing of a file is unknown.

use prost::{Message, Oneof};

/// A named set of devices.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct DeviceConfigurationProto {
    /// Name of the set.
    #[prost(string, tag = "1")]
    pub name: String,
    /// How many devices it has.
    #[prost(int32, tag = "2")]
    pub num_devices: i32,
    /// Names of the devices, or none.
    #[prost(string, repeated, tag = "3")]
    pub device: Vec<String>,
}

/// How one node is spread over a set of devices.
#[derive(Clone, PartialEq, Message)]
pub struct NodeDeviceConfigurationProto {
    /// The set of devices.
    #[prost(string, tag = "1")]
    pub configuration_id: String,
    /// How operands and results are split.
    #[prost(message, repeated, tag = "2")]
    pub sharding_spec: Vec<ShardingSpecProto>,
    /// Stage of the pipeline.
    #[prost(int32, optional, tag = "3")]
    pub pipeline_stage: Option<i32>,
}

/// How one tensor is split.
#[derive(Clone, PartialEq, Message)]
pub struct ShardingSpecProto {
    /// The tensor.
    #[prost(string, tag = "1")]
    pub tensor_name: String,
    /// Devices, or groups of them (negative).
    #[prost(int64, repeated, packed = "false", tag = "2")]
    pub device: Vec<i64>,
    /// What the groups are.
    #[prost(message, repeated, tag = "3")]
    pub index_to_device_group_map: Vec<IntIntListEntryProto>,
    /// How each split axis is split.
    #[prost(message, repeated, tag = "4")]
    pub sharded_dim: Vec<ShardedDimProto>,
}

/// A number and a list of numbers.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct IntIntListEntryProto {
    /// Key.
    #[prost(int64, tag = "1")]
    pub key: i64,
    /// Values.
    #[prost(int64, repeated, packed = "false", tag = "2")]
    pub value: Vec<i64>,
}

/// How one axis is split.
#[derive(Clone, PartialEq, Message)]
pub struct ShardedDimProto {
    /// The axis.
    #[prost(int64, tag = "1")]
    pub axis: i64,
    /// Its parts.
    #[prost(message, repeated, tag = "2")]
    pub simple_sharding: Vec<SimpleShardedDimProto>,
}

/// A part of an axis, split evenly.
#[derive(Clone, PartialEq, Message)]
pub struct SimpleShardedDimProto {
    /// Extent of the part.
    #[prost(oneof = "ShardedExtent", tags = "1, 2")]
    pub dim: Option<ShardedExtent>,
    /// Into how many shards.
    #[prost(int64, tag = "3")]
    pub num_shards: i64,
}

/// A known or a symbolic extent of a part.
#[derive(Clone, PartialEq, Eq, Oneof)]
pub enum ShardedExtent {
    /// A number.
    #[prost(int64, tag = "1")]
    Value(i64),
    /// A symbol.
    #[prost(string, tag = "2")]
    Param(String),
}
