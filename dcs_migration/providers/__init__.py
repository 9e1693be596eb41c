"""The classes that Pulumi's state refers to by import path: thin, and never moved or renamed.

The program pickles an instance of them by reference, and the plugin process loads it. What they do lies in
:mod:`dcs_migration.life_cycles`, which is imported in the plugin process only.
"""
