"""What an artist sets for the files that a job writes: properties of operators, and of scenes."""

from __future__ import annotations

import bpy

from . import paths
from .property_items import (
    AS_SEQUENCE,
    CODEC_ITEMS,
    COMPRESSION_ITEMS,
    DEPTH_ITEMS,
    FORMAT_ITEMS,
    OUTPUT_ITEMS,
    SAME_AS_SOURCE,
    USUAL_CRF,
)

# Blender would give the last call's values to the next one from a menu: another strip's folder
OPTIONS = {"SKIP_SAVE"}
PATH_OPTIONS = OPTIONS | paths.PATH_OPTIONS


class OutputProperties:
    """Settings of a job's files; mixed into those of the whole job."""

    output_dir: bpy.props.StringProperty(
        name="Output Folder",
        description="Where frames are written. Empty makes a folder beside the source's files",
        subtype="DIR_PATH",
        options=PATH_OPTIONS,
    )
    output_format: bpy.props.EnumProperty(
        name="Format",
        description="File format of the frames",
        items=FORMAT_ITEMS,
        default=SAME_AS_SOURCE,
        options=OPTIONS,
    )
    depth: bpy.props.EnumProperty(
        name="Depth",
        description="Bits of each value of the files, as far as their format has them",
        items=DEPTH_ITEMS,
        default="SOURCE",
        options=OPTIONS,
    )
    compression: bpy.props.EnumProperty(
        name="Compression",
        description="Compression of the files, as far as their format has it",
        items=COMPRESSION_ITEMS,
        default="AUTO",
        options=OPTIONS,
    )
    quality: bpy.props.IntProperty(
        name="Quality",
        description="Quality of JPEG files, and of lossy WebP files. 0 is the usual one, 95",
        default=0,
        soft_min=0,
        soft_max=100,
        options=OPTIONS,
    )
    output_as: bpy.props.EnumProperty(
        name="Output As",
        description="What the new strip shows: a sequence of images, or a movie made of them",
        items=OUTPUT_ITEMS,
        default=AS_SEQUENCE,
        options=OPTIONS,
    )
    codec: bpy.props.EnumProperty(
        name="Codec",
        description="How the movie's pictures are stored",
        items=CODEC_ITEMS,
        default="prores-hq",
        options=OPTIONS,
    )
    movie_crf: bpy.props.IntProperty(
        name="CRF",
        description=(
            "Quality of H.264, H.265 and AV1: lower is better and larger. -1 takes the codec's "
            "usual"
        ),
        default=USUAL_CRF,
        soft_min=USUAL_CRF,
        soft_max=63,
        options=OPTIONS,
    )
    movie_sound: bpy.props.BoolProperty(
        name="Include Sound",
        description=(
            "Copy the sound of a movie strip into the new movie, where both play at the same speed"
        ),
        default=True,
        options=OPTIONS,
    )
    check_free_space: bpy.props.BoolProperty(
        name="Check Free Space",
        description=(
            "Do not begin a job whose frames will not fit on the disk, and stop one before the "
            "disk is full"
        ),
        default=True,
        options=OPTIONS,
    )
    overwrite: bpy.props.BoolProperty(
        name="Overwrite",
        description="Replace files that have the names of output frames",
        options=OPTIONS,
    )
    link_sources: bpy.props.BoolProperty(
        name="Link Source Frames",
        description=(
            "Give source frames a second name in the output folder rather than copy them, which "
            "takes no time and no space. Careful: editing one of the two edits the other"
        ),
        options=OPTIONS,
    )
