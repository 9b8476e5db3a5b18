"""Puts the course into the wheel. An editable install reads exercises/ and solutions/ from the checkout instead."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CourseInWheel(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":
            build_data["force_include"] |= {"exercises": "nanograd/_exercises", "solutions": "nanograd/_solutions"}
